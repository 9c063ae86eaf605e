/** Consistency: vectors of published scores, computed again from the log by the very core. */
export { checkConsistency } from './check';
export type { CheckOptions } from './check';
export type { FeatureDifference } from './compare';
export { archivedScores, newestAsOf, scoreLines, scoresOfFile } from './published';
export type { PublishedScore, PublishedScores, Selection } from './published';
export { differenceInWords, emptyReport, reportFamilies } from './report';
export type { ConsistencyReport } from './report';
export { customerAt } from './one-score';
