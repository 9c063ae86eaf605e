/** From a history of records to a dataset: vectors by the real core, labels from what came later. */
export { HistoryFold } from './history';
export type { HistoryRecord } from './history';
export { LABEL_PLANS } from './plan';
export type { ArchiveRange, LabelPlan } from './plan';
export { writeDataset } from './write';
export type { DatasetSummary, Truth } from './write';
