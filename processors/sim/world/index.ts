/** A synthetic world: customers with a hidden state, what they do, how it arrives, and what will come of them. */
export { DEFAULT_WORLD } from './settings';
export type { WorldSettings } from './settings';
export { worldCustomerIds, worldRecords } from './arrivals';
export type { WorldRecord } from './arrivals';
export { latentOf } from './latent';
export type { Latent } from './latent';
export { truthOf, worldTruth } from './truth';
export type { CustomerTruth } from './truth';
export { toSegmentLine } from './segment-lines';
export { occasionsOf } from './events';
export { WorldPosterior } from './posterior';
export type { Expectations, SeenHistory } from './posterior';
