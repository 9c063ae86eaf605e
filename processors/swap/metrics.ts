/** What swapping counts. Plain values: who serves them as metrics gives them names and labels. */
import type { EpochMs } from '../../schemas';
import { DIFFERENCE_EDGES } from './agreement';
import type { DifferenceTally } from './agreement';
import { ROLLBACK_REASONS } from './trial';
import type { RollbackReason } from './trial';

export { DIFFERENCE_EDGES };

/** A candidate beside the current model. */
export interface ShadowCounts {
  model: string;
  version: string;
  tally: Pick<DifferenceTally, 'rows' | 'sum' | 'beyond' | 'buckets'>;
  /** Batches that came while it was still at the one before. */
  skipped: number;
}

export interface SwapMetrics {
  /** Versions that score now, by name. */
  scoring: Record<string, string>;
  /** Names whose pointer says another version than the one that scores. */
  behind: Record<string, boolean>;
  /** Names whose model is on trial. */
  onTrial: Record<string, boolean>;
  swaps: number;
  /** Versions that could not be loaded, each time that it was tried, by code. */
  refusals: Record<string, number>;
  rollbacks: Record<RollbackReason, number>;
  /** Of the last rollback: from noticing to the switch, ms. */
  rollbackMs: number;
  /** Batches that were answered again by the model before. */
  answeredAgain: number;
  /** When the registry was last read whole; null: never. */
  lookedAt: EpochMs | null;
  shadows: ShadowCounts[];
  /** Candidates that were put off because they failed, by reason. */
  shadowFailures: Record<'error' | 'slow', number>;
}

export const newSwapMetrics = (): SwapMetrics => ({
  scoring: {},
  behind: {},
  onTrial: {},
  swaps: 0,
  refusals: {},
  rollbacks: Object.fromEntries(ROLLBACK_REASONS.map(reason => [reason, 0])) as SwapMetrics['rollbacks'],
  rollbackMs: 0,
  answeredAgain: 0,
  lookedAt: null,
  shadows: [],
  shadowFailures: { error: 0, slow: 0 },
});
