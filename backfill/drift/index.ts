/** The nightly side of drift; the live side is models/drift/watch.ts. */
export { measureDrift } from './measure';
export { openModels } from './models';
export type { PublishedScore } from './published';
export { readTail } from './tail';
