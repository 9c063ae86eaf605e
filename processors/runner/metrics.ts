/** What a lane counts. Plain numbers: who serves them as metrics gives them names and labels. */
import type { AlertKind, ScoreCause } from '../../schemas';

/** Where a lane's time goes; microseconds in the metrics. */
export const STAGES = [
  'read',
  'decode',
  'load',
  'codec',
  'advance',
  'vector',
  'inference',
  'interpret',
  'explain',
  'encode',
  'commit',
  'publish',
] as const;
export type Stage = (typeof STAGES)[number];

/** Every input ends in exactly one of these. */
export const OUTCOMES = ['applied', 'appliedLate', 'duplicate', 'rejected', 'ignored', 'passedOn'] as const;
export type OutcomeName = (typeof OUTCOMES)[number];

/** Counted with the commit of the batch that they belong to, except for the ownership and the stages. */
export interface LaneMetrics {
  batches: number;
  records: number;
  outcomes: Record<OutcomeName, number>;
  /** Of the records: ticks. */
  ticks: number;
  evaluations: number;
  published: Record<ScoreCause, number>;
  suppressed: number;
  alertsRaised: Record<AlertKind, number>;
  alertsCleared: Record<AlertKind, number>;
  sessions: number;
  lateEvents: number;
  mails: number;
  erased: number;
  dropped: number;
  clockAhead: number;
  deadLetters: Record<string, number>;
  /** Bytes of outgoing messages. */
  outboxBytes: number;
  /** Customers that were in memory, and those read from the store. */
  customersHot: number;
  customersLoaded: number;
  /** Ownership: claims, commits that found another owner, positions that did not follow, recoveries, repeats. */
  claims: number;
  fenced: number;
  gaps: number;
  recoveries: number;
  retries: number;
  stageMicros: Record<Stage, number>;
}

const zeros = <K extends string>(names: readonly K[]): Record<K, number> =>
  Object.fromEntries(names.map(name => [name, 0])) as Record<K, number>;

const KINDS: readonly AlertKind[] = ['churnRisk', 'inactive', 'engagementDrop', 'vipAtRisk'];

export const newLaneMetrics = (): LaneMetrics => ({
  batches: 0,
  records: 0,
  outcomes: zeros(OUTCOMES),
  ticks: 0,
  evaluations: 0,
  published: zeros(['event', 'tick', 'model', 'command', 'recovery']),
  suppressed: 0,
  alertsRaised: zeros(KINDS),
  alertsCleared: zeros(KINDS),
  sessions: 0,
  lateEvents: 0,
  mails: 0,
  erased: 0,
  dropped: 0,
  clockAhead: 0,
  deadLetters: {},
  outboxBytes: 0,
  customersHot: 0,
  customersLoaded: 0,
  claims: 0,
  fenced: 0,
  gaps: 0,
  recoveries: 0,
  retries: 0,
  stageMicros: zeros(STAGES),
});

/** Adds `more` to `total`, number by number. */
export function addMetrics(total: LaneMetrics, more: LaneMetrics): void {
  addNumbers(total as unknown as Record<string, unknown>, more as unknown as Record<string, unknown>);
}

function addNumbers(total: Record<string, unknown>, more: Record<string, unknown>): void {
  for (const name in more) {
    const value = more[name];
    if (typeof value === 'number') total[name] = ((total[name] as number | undefined) ?? 0) + value;
    else addNumbers((total[name] ??= {}) as Record<string, unknown>, value as Record<string, unknown>);
  }
}

/** Splits the time since it was made or read last over the stages. */
export class StageTimer {
  private since = performance.now();

  constructor(private readonly metrics: LaneMetrics) {}

  /** What passed since the last call belongs to `stage`. */
  took(stage: Stage): void {
    const now = performance.now();
    this.metrics.stageMicros[stage] += (now - this.since) * 1_000;
    this.since = now;
  }

  /** What passed since the last call belongs to nobody. */
  restart(): void {
    this.since = performance.now();
  }
}
