/** Models that change while lanes work: what processes that score live use. */
export { ModelFollower } from './follower';
export type { FollowerEvent } from './follower';
export type { SwapEvent } from './events';
export { HotScorer } from './hot-scorer';
export { DIFFERENCE_EDGES, newSwapMetrics } from './metrics';
export type { SwapMetrics } from './metrics';
export type { ShadowLimits } from './shadow';
export { isStillAt } from './source';
export type {
  ModelMemory,
  ModelSource,
  OpenedModel,
  PointerMove,
  Pointed,
  RememberedModels,
  Rollback,
} from './source';
export type { TrialLimits } from './trial';
