export { Lane, LaneLostError } from './lane';
export type { LaneOptions, LanePorts, LaneStep } from './lane';
export { DamagedPositionsError } from './reconcile';
export { addMetrics, newLaneMetrics } from './metrics';
export type { LaneMetrics, OutcomeName, Stage } from './metrics';
export { DEFAULT_LANE_SETTINGS } from './settings';
export type { LaneSettings } from './settings';
export { ReplayDriver, tickCommand } from './replay-driver';
export type { HistoryLog, HistoryRecord, ReplayDriverOptions } from './replay-driver';
