/** From a history of records to a dataset: vectors by the real core, labels from what came later. */
export { HistoryFold } from './history';
export type { FoldState, HistoryKind, HistoryRecord, Track } from './history';
export { LABEL_PLANS } from './plan';
export type { ArchiveRange, LabelPlan } from './plan';
export { GROUP_ATTRIBUTES, Snapshots } from './snapshots';
export type { SnapshotRow } from './snapshots';
export { LeakError } from './leaks';
export { writeParquet } from './parquet';
export { summariseRows } from './summary';
export type { DatasetSummary } from './summary';
export type { Truth } from './columns';
