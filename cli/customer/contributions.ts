/** Why the models answer as they do for one vector: every contribution, in numbers, in words and as bars. */
import { VECTOR_WIDTH, reasonSentence } from '../../processors/core';
import type { Scorer } from '../../processors/ports';
import type { ModelReference, Reason } from '../../schemas';

export interface Contribution extends Omit<Reason, 'model'> {
  sentence: string;
}

/** In units of the model's margin, before calibration: `base` and the contributions sum to `margin`. */
export interface ModelExplanation extends ModelReference {
  margin: number;
  base: number;
  /** All that are not zero, the largest first. */
  contributions: Contribution[];
}

/** One for each model that can say why. */
export async function explanationsOf(
  scorer: Scorer,
  vector: Float32Array,
  currency: string,
): Promise<ModelExplanation[]> {
  const [reasons = []] = (await scorer.explain?.(vector, [0], VECTOR_WIDTH)) ?? [];
  return scorer.constants.models.flatMap(reference => {
    const own = reasons.filter(({ model }) => model === reference.name);
    return own.length === 0 ? [] : [explanationOf(reference, own, currency)];
  });
}

function explanationOf(
  reference: ModelReference,
  reasons: readonly Reason[],
  currency: string,
): ModelExplanation {
  const of = (feature: string): number => reasons.find(reason => reason.feature === feature)!.contribution;
  return {
    ...reference,
    margin: reasons.reduce((sum, { contribution }) => sum + contribution, 0),
    base: of('base'),
    contributions: reasons
      .filter(({ feature }) => feature !== 'base' && feature !== 'remainder')
      .map(({ model, ...reason }) => ({
        ...reason,
        sentence: reasonSentence({ model, ...reason }, currency),
      })),
  };
}

const HALF = 16;

/** What lowers to the left of the line, what raises to the right; the longest bar is `largest`. */
export function bar(contribution: number, largest: number): string {
  const cells = largest === 0 ? 0 : (HALF * Math.abs(contribution)) / largest;
  const drawn = cells < 0.5 ? (contribution === 0 ? '' : '▪') : '█'.repeat(Math.round(cells));
  return contribution < 0
    ? `${drawn.padStart(HALF)}│${' '.repeat(HALF)}`
    : `${' '.repeat(HALF)}│${drawn.padEnd(HALF)}`;
}

export const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`;
