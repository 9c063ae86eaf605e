/** The nightly side of drift; the live side is models/drift/watch.ts. */
export { DRIFT_PREFIXES, driftFamilies } from './families';
export { measureDrift } from './measure';
export { openModels } from './models';
export type { DriftRequest } from './measure';
export type { PublishedScore } from './published';
export { readTail } from './tail';
