/** What commands and backfills use of the runner. */
export { DamagedStateError } from './hot-customers';
export { Lane } from './lane';
export { LaneLostError } from './options';
export { LANE_STEPS } from './options';
export type { LaneOptions, LanePorts, LaneStep } from './options';
export { runLane } from './live';
export type { LiveOptions } from './live';
export { DamagedPositionsError, RECOVERY_MARK } from './reconcile';
export { MessageWriter, alertKey } from './messages';
export { OUTCOMES, STAGES, addMetrics, newLaneMetrics } from './metrics';
export type { LaneMetrics, OutcomeName, Stage } from './metrics';
export { DEFAULT_LANE_SETTINGS } from './settings';
export type { LaneSettings } from './settings';
export { ReplayDriver, tickCommand } from './replay-driver';
export type { HistoryLog, HistoryRecord, ReplayDriverOptions } from './replay-driver';
export { DEFAULT_SCHEDULER_SETTINGS, Scheduler } from './scheduler';
export type { SchedulerMetrics, SchedulerSettings } from './scheduler';
