/** Limits and waits of a lane, as data. */
export interface LaneSettings {
  /** A batch is closed at whichever of the three comes first. */
  maxRecords: number;
  maxCustomers: number;
  maxOutboxBytes: number;
  /** An outgoing message above this becomes a dead letter. */
  maxMessageBytes: number;
  /** Share of the published scores that carry their whole vector, 0..1. */
  vectorShare: number;
  /** `ce_source`: names the deployment, no host. */
  source: string;
  /** Stored values kept in memory; never fewer than a batch changes. */
  hotCustomers: number;
  /** A live lane waits this long for more records when the last batch was not full, ms. */
  lingerMs: number;
  /** How long a live lane with nothing to read waits at most, ms. */
  idleMs: number;
  /** Calls of a port before its error is the lane's. */
  attempts: number;
  /** Wait before the second attempt, doubled before each further one, ms. */
  retryMs: number;
  /** A live lane that was fenced claims again after one to two times this, ms. */
  reclaimMs: number;
}

export const DEFAULT_LANE_SETTINGS: LaneSettings = {
  maxRecords: 2_000,
  maxCustomers: 1_000,
  maxOutboxBytes: 8 * 1024 * 1024,
  maxMessageBytes: 1_000_000,
  vectorShare: 0.01,
  source: 'rescore',
  hotCustomers: 2_000,
  lingerMs: 10,
  idleMs: 50,
  attempts: 6,
  retryMs: 50,
  reclaimMs: 1_000,
};
