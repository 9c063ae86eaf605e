/** From contributions to the reasons that a score carries. */
import type { Reason } from '../../schemas';
import type { TreeShap } from './tree-shap';

/** Of each model, in a published score. */
export const LARGEST = 3;

/**
 * The `largest` contributions that are not zero, by size, then the sum of the others (`remainder`), then the margin
 * of the mean (`base`): together the model's margin before calibration. `value` is null where the feature is NaN.
 */
export function reasonsOf(shap: TreeShap, vectors: Float32Array, at: number, largest = LARGEST): Reason[] {
  const { model, width, base } = shap;
  const contributions = new Float64Array(width);
  shap.explain(vectors, at, contributions);
  let remainder = 0;
  for (let index = 0; index < width; index++) remainder += contributions[index]!;
  const reasons: Reason[] = [];
  for (let next = after(contributions, -1); next >= 0 && reasons.length < largest;) {
    const value = vectors[at + next]!;
    reasons.push({
      model: model.model,
      feature: model.features[next]!,
      value: Number.isFinite(value) ? value : null,
      contribution: contributions[next]!,
    });
    remainder -= contributions[next]!;
    next = after(contributions, next);
  }
  reasons.push({ model: model.model, feature: 'remainder', value: null, contribution: remainder });
  reasons.push({ model: model.model, feature: 'base', value: null, contribution: base });
  return reasons;
}

/** Index of the contribution that follows `previous` in the order of size, ties by index; -1 when none is left. */
function after(contributions: Float64Array, previous: number): number {
  const limit = previous < 0 ? Infinity : Math.abs(contributions[previous]!);
  let found = -1;
  let size = 0;
  for (let index = 0; index < contributions.length; index++) {
    const candidate = Math.abs(contributions[index]!);
    if (candidate > size && (candidate < limit || (candidate === limit && index > previous))) {
      found = index;
      size = candidate;
    }
  }
  return found;
}
