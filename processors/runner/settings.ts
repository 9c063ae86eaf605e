/** Limits of a lane, as data. */
export interface LaneSettings {
  /** A batch is closed at whichever comes first. */
  maxRecords: number;
  maxCustomers: number;
  /** An outgoing message above this becomes a dead letter. */
  maxMessageBytes: number;
  /** `ce_source`: names the deployment, no host. */
  source: string;
}

export const DEFAULT_LANE_SETTINGS: LaneSettings = {
  maxRecords: 2_000,
  maxCustomers: 1_000,
  maxMessageBytes: 1_000_000,
  source: 'rescore',
};
