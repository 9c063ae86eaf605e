/** What became of the rows of a run: every row is in exactly one of these. */
import type { Clock } from '../../processors/ports';
import { SECOND_MS, type EpochMs, type InputTopic } from '../../schemas';
import { count, duration } from '../output/format';
import type { BadRow } from './rows';

export interface ProduceSummary {
  rows: number;
  sent: number;
  byTopic: Record<string, number>;
  ignored: number;
  bad: number;
  badByCode: Record<string, number>;
  ms: number;
}

export class Tally {
  private rows = 0;
  private ignored = 0;
  private readonly byTopic = new Map<InputTopic, number>();
  private readonly badByCode = new Map<string, number>();
  private readonly startedAt: EpochMs;

  constructor(private readonly clock: Clock) {
    this.startedAt = clock.now();
  }

  get added(): number {
    return sum(this.byTopic);
  }

  get bad(): number {
    return sum(this.badByCode);
  }

  ignore(): void {
    this.rows++;
    this.ignored++;
  }

  refuse({ code }: BadRow): void {
    this.rows++;
    increment(this.badByCode, code);
  }

  add(topic: InputTopic): void {
    this.rows++;
    increment(this.byTopic, topic);
  }

  /** `sent`: acknowledged by the brokers. */
  summary(sent: number): ProduceSummary {
    return {
      rows: this.rows,
      sent,
      byTopic: Object.fromEntries(this.byTopic),
      ignored: this.ignored,
      bad: this.bad,
      badByCode: Object.fromEntries(this.badByCode),
      ms: this.clock.now() - this.startedAt,
    };
  }
}

const sum = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((a, b) => a + b, 0);

const increment = <K>(counts: Map<K, number>, key: K): void =>
  void counts.set(key, (counts.get(key) ?? 0) + 1);

/** Rows of a table: what, how many. */
export function summaryRows({
  rows,
  sent,
  byTopic,
  ignored,
  bad,
  badByCode,
  ms,
}: ProduceSummary): string[][] {
  const rate = ms > 0 ? ` (${count((sent * SECOND_MS) / ms)} a second)` : '';
  return [
    ['rows read', count(rows)],
    ['sent', count(sent)],
    ...Object.entries(byTopic).map(([topic, many]) => [`  ${topic}`, count(many)]),
    ['ignored: nothing to score', count(ignored)],
    ['bad', count(bad)],
    ...Object.entries(badByCode).map(([code, many]) => [`  ${code}`, count(many)]),
    ['time', `${duration(ms)}${rate}`],
  ];
}
