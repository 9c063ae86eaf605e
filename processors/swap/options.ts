/** What a scorer of a live process is given. */
import type { EpochMs } from '../../schemas';
import type { SwapEvent } from './events';
import type { ShadowLimits } from './shadow';
import type { ModelSource, OpenedModel } from './source';
import type { TrialLimits } from './trial';

export interface HotScorerOptions<M extends OpenedModel> {
  source: Pick<ModelSource<M>, 'assemble'>;
  now: () => EpochMs;
  /** For durations alone. */
  nowMicros: () => number;
  trial: TrialLimits;
  shadow: ShadowLimits;
  /** Opens the version that scored before a model that has no predecessor on trial; null: there is none. */
  openPrevious: (model: string, version: string) => Promise<M | null>;
  onEvent: (event: SwapEvent) => void;
}
