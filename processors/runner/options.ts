/** What a lane is given, and how it ends. */
import type { CoreSettings, InputRules } from '../core';
import type {
  Clock,
  EventLog,
  LogRecord,
  Publisher,
  ScoreWatch,
  Scorer,
  StateBatch,
  StateStore,
  WireCodec,
} from '../ports';
import type { LaneMetrics } from './metrics';
import type { LaneSettings } from './settings';

/** The steps at which a simulation or a test may stop, kill or delay a lane: before and after each. */
export const LANE_STEPS = [
  'claiming',
  'claimed',
  'fenced',
  'reconciled',
  'reading',
  'read',
  'prepared',
  'committing',
  'committed',
  'publishing',
  'published',
] as const;
export type LaneStep = (typeof LANE_STEPS)[number];

export interface LanePorts {
  log: EventLog;
  store: StateStore;
  publisher: Publisher;
  scorer: Scorer;
  codec: WireCodec;
  /** Shown what was scored. */
  watch?: ScoreWatch;
  /** A live lane's; drivers of replays have no clock but the data's. */
  clock?: Clock;
}

export interface LaneOptions {
  partition: number;
  ports: LanePorts;
  core: CoreSettings;
  rules: InputRules;
  settings?: Partial<LaneSettings>;
  /** A live lane that waits for company is asked to stop. */
  signal?: AbortSignal;
  /** Called before the lane goes on from a step. */
  onStep?: (step: LaneStep) => void | Promise<void>;
  /** Told of every batch with its counts, before it is committed. */
  onBatch?: (batch: StateBatch, counts: LaneMetrics) => void;
  /** Where a record came from, for people: file and line of a replay. */
  originOf?: (record: LogRecord) => string | null;
}

/** Another owner has the partition, or the stored positions are not this lane's: claim again. */
export class LaneLostError extends Error {
  override readonly name = 'LaneLostError';
}
