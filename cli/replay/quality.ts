/**
 * What is odd about the data that a replay was given: each kind with a count and its first examples, so that a
 * person can look at the very rows. Nothing here changes a score.
 *
 * Two passes: `learn` while the files are read (profiles, the days that a file covers), `see` over the sorted rows
 * with that knowledge. Memory grows with customers and days, not with rows.
 */
import { DAY_MS, dayOf, midnight, type EpochMs } from '../../schemas';
import { ROW_FLAGS, type SortedRow } from './row';

const EXAMPLES = 5;
const DUPLICATE_WINDOW_MS = 48 * 3_600_000;

export interface QualityExample {
  file: string;
  line: number;
  customerId: string;
  what: string;
}
export interface QualityFinding {
  count: number;
  examples: QualityExample[];
}
export const QUALITY_KINDS = [
  'missingIds',
  'duplicates',
  'negativeAmounts',
  'eventsWithoutProfile',
  'ordersWithoutProfile',
  'activityBeforeSignUp',
  'outsideWindow',
] as const;
export type QualityKind = (typeof QUALITY_KINDS)[number];
export interface FileWindow {
  file: string;
  /** Null for a file without rows. */
  from: EpochMs | null;
  until: EpochMs | null;
}
export interface QualityReport {
  rows: number;
  findings: Record<QualityKind, QualityFinding>;
  /** The span of time that a file is about; instants outside are findings. */
  windows: FileWindow[];
}

export const emptyReport = (): QualityReport => ({
  rows: 0,
  findings: Object.fromEntries(
    QUALITY_KINDS.map(kind => [kind, { count: 0, examples: [] }]),
  ) as unknown as Record<QualityKind, QualityFinding>,
  windows: [],
});

/** Of two replays into one state, in their order. */
export const mergeReports = (a: QualityReport, b: QualityReport): QualityReport => ({
  rows: a.rows + b.rows,
  findings: Object.fromEntries(
    QUALITY_KINDS.map(kind => [
      kind,
      {
        count: a.findings[kind].count + b.findings[kind].count,
        examples: [...a.findings[kind].examples, ...b.findings[kind].examples].slice(0, EXAMPLES),
      },
    ]),
  ) as Record<QualityKind, QualityFinding>,
  windows: [...a.windows, ...b.windows],
});

/**
 * The days that a file is about: from its 1st to its 99th percentile day, widened on each side by as much as lies
 * between them (at least a day). A 1970 or a 2037 in a file about nine days is outside; a long tail is not.
 */
export function windowOfDays(days: ReadonlyMap<number, number>): { from: EpochMs; until: EpochMs } | null {
  const sorted = [...days].sort((a, b) => a[0] - b[0]);
  const total = sorted.reduce((sum, [, rows]) => sum + rows, 0);
  if (total === 0) return null;
  const percentile = (share: number): number => {
    let seen = 0;
    for (const [day, rows] of sorted) if ((seen += rows) >= share * total) return day;
    return sorted[sorted.length - 1][0];
  };
  const [low, high] = [percentile(0.01), percentile(0.99)];
  const margin = Math.max(1, high - low);
  return { from: midnight(low - margin), until: midnight(high + margin + 1) };
}

/** Message ids of the last 48 hours of record time, by 64-bit hash; two generations make forgetting cheap. */
class RecentIds {
  private current = new Map<string, EpochMs>();
  private previous = new Map<string, EpochMs>();
  private turnedAt: EpochMs = Number.NEGATIVE_INFINITY;

  /** Rows in the order of their record timestamps may be forgotten; shuffled ones may not. */
  constructor(private readonly forgets: boolean) {}

  /** True when this id was seen within 48 hours of `at`. */
  seen(topic: string, row: SortedRow): boolean {
    const key = `${topic[0]}${topic[1]}${row.idHigh}.${row.idLow}`;
    const at = row.recordAt;
    if (this.forgets && at - this.turnedAt > DUPLICATE_WINDOW_MS) {
      this.previous = at - this.turnedAt > 2 * DUPLICATE_WINDOW_MS ? new Map() : this.current;
      this.current = new Map();
      this.turnedAt = at;
    }
    const before = this.current.get(key) ?? this.previous.get(key);
    if (before !== undefined && Math.abs(at - before) <= DUPLICATE_WINDOW_MS) return true;
    this.current.set(key, at);
    return false;
  }
}

export class QualityReporter {
  private readonly findings = emptyReport().findings;
  private readonly days: Map<number, number>[];
  private windows: ({ from: EpochMs; until: EpochMs } | null)[] = [];
  /** Sign-up per customer with a profile; null when the profile does not say. */
  private readonly signUps = new Map<string, EpochMs | null>();
  private readonly ids: RecentIds;
  private rows = 0;

  /** `earlierProfile`: sign-up of a customer whose profile came with files of before, undefined where none did. */
  constructor(
    private readonly files: readonly string[],
    shuffled: boolean,
    private readonly earlierProfile: (customerId: string) => EpochMs | null | undefined = () => undefined,
  ) {
    this.days = files.map(() => new Map());
    this.ids = new RecentIds(!shuffled);
  }

  /** First pass: once per row, in any order. */
  learn(row: SortedRow, createdAt: EpochMs | null): void {
    const day = dayOf(row.eventAt);
    const days = this.days[row.file];
    days.set(day, (days.get(day) ?? 0) + 1);
    if (!(row.flags & ROW_FLAGS.profile)) return;
    const known = this.signUps.get(row.key) ?? null;
    this.signUps.set(row.key, createdAt === null ? known : Math.min(known ?? createdAt, createdAt));
  }

  /** Second pass: once per row, in sorted order. */
  see(row: SortedRow): void {
    if (this.rows++ === 0) this.windows = this.days.map(windowOfDays);
    const { flags } = row;
    if (flags & ROW_FLAGS.missingId)
      this.add('missingIds', row, 'no message id: a hash of the row stands for it');
    if (this.ids.seen(row.topic, row))
      this.add('duplicates', row, 'the message id was seen before, within 48 hours');
    if (flags & ROW_FLAGS.negativeAmount) this.add('negativeAmounts', row, 'a negative amount of money');
    if (flags & ROW_FLAGS.activity) this.seeActivity(row);
    const window = this.windows[row.file];
    if (
      (flags & ROW_FLAGS.clockAhead) !== 0 ||
      (window && (row.eventAt < window.from || row.eventAt >= window.until))
    )
      this.add('outsideWindow', row, `happened at ${new Date(row.eventAt).toISOString()}`);
  }

  report(): QualityReport {
    return {
      rows: this.rows,
      findings: this.findings,
      windows: this.files.map((file, index) => {
        const window = this.windows[index] ?? windowOfDays(this.days[index]);
        return { file, from: window?.from ?? null, until: window?.until ?? null };
      }),
    };
  }

  private seeActivity(row: SortedRow): void {
    const signUp = this.signUpOf(row.key);
    const order = (row.flags & ROW_FLAGS.order) !== 0;
    if (signUp === undefined)
      this.add(order ? 'ordersWithoutProfile' : 'eventsWithoutProfile', row, 'the customer has no profile');
    // A sign-up that is only a date is the midnight that begins it.
    else if (signUp !== null && row.eventAt < signUp)
      this.add(
        'activityBeforeSignUp',
        row,
        `${Math.ceil((signUp - row.eventAt) / DAY_MS)} day(s) before the sign-up`,
      );
  }

  private signUpOf(customerId: string): EpochMs | null | undefined {
    if (this.signUps.has(customerId)) return this.signUps.get(customerId);
    const earlier = this.earlierProfile(customerId);
    if (earlier !== undefined) this.signUps.set(customerId, earlier);
    return earlier;
  }

  private add(kind: QualityKind, row: SortedRow, what: string): void {
    const finding = this.findings[kind];
    finding.count++;
    if (finding.examples.length < EXAMPLES)
      finding.examples.push({ file: this.files[row.file], line: row.line, customerId: row.key, what });
  }
}
