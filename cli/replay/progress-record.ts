/**
 * What a state remembers of the replays that filled it, in one document of its store: which files are in, which are
 * under way and how far, and where the outputs go. It changes only in the transaction of what it describes.
 */
import type { HistoryLog, HistoryRecord } from '../../processors/runner';
import type { EpochMs } from '../../schemas';
import type { OutgoingMessage } from '../../processors/ports';
import type { Embedded } from '../../streams/embedded';
import type { IntakeTally } from './intake-tally';
import type { QualityReport } from './quality';

const DOCUMENT = 'replay';

export interface KnownFile {
  /** Hex SHA-256 of the bytes: a file is the same under any name. */
  digest: string;
  name: string;
}

export interface CurrentFiles {
  files: KnownFile[];
  /** Mapping or format that the files are read with. */
  format: string;
  /** Null for rows in the order of time. */
  shuffle: string | null;
  /** Rows of the sorted source that the log holds. */
  appended: number;
  /** Rows that could not be read, written to the output log. */
  deadLetters: number;
}

export interface ReplayRecord {
  version: 1;
  /** Absolute path. */
  out: string;
  finished: KnownFile[];
  current: CurrentFiles | null;
  /** Time that the finished replays have reached; null before the first end. */
  reachedAt: EpochMs | null;
  tally: IntakeTally;
  quality: QualityReport;
}

export class ReplayProgress implements HistoryLog {
  constructor(
    private readonly embedded: Embedded,
    public record: ReplayRecord,
  ) {}

  static stored(embedded: Embedded): ReplayRecord | null {
    return embedded.environment.getDocument<ReplayRecord>(DOCUMENT);
  }

  get current(): CurrentFiles {
    if (this.record.current === null) throw new Error('no files are under way');
    return this.record.current;
  }

  save(change: Partial<ReplayRecord>): void {
    this.commit(change, () => undefined);
  }

  appended(): number {
    return this.record.current?.appended ?? 0;
  }

  /** One transaction: rows and the number of rows that are in. */
  appendSlice(records: readonly HistoryRecord[], appended: number): Promise<void> {
    const { log } = this.embedded;
    this.commit({ current: { ...this.current, appended } }, () => {
      for (const [place, rows] of this.byPlace(records)) log.appendInTransaction(rows[0].topic, place, rows);
    });
    return Promise.resolve();
  }

  /** One transaction: dead letters and how many of the files' are out. */
  publishDeadLetters(messages: readonly OutgoingMessage[], deadLetters: number): void {
    this.commit({ current: { ...this.current, deadLetters } }, () =>
      this.embedded.output.appendInTransaction(messages),
    );
  }

  /** Rows by topic and partition, each in its order: one append each. */
  private *byPlace(records: readonly HistoryRecord[]): Generator<[number, HistoryRecord[]]> {
    const groups = new Map<string, [number, HistoryRecord[]]>();
    for (const record of records) {
      const partition = this.embedded.log.partitionOf(record.key);
      const name = `${record.topic}/${partition}`;
      const group = groups.get(name);
      if (group) group[1].push(record);
      else groups.set(name, [partition, [record]]);
    }
    yield* groups.values();
  }

  private commit(change: Partial<ReplayRecord>, work: () => void): void {
    const next = { ...this.record, ...change };
    this.embedded.environment.write(() => {
      work();
      this.embedded.environment.putDocument(DOCUMENT, next);
    });
    this.record = next;
  }
}
