/** Whether the scores that were published are all there, once each, and made by the models that they name. */
import type { OpenState } from '../../cli/embedded';
import type { EngagementScore } from '../../schemas';
import { NAMES } from './registry';
import type { Name, Place } from './registry';

export interface Tally {
  scores: number;
  lost: number;
  doubled: number;
  /** Name a model that is not in the registry, or not one of each. */
  unattributed: number;
  /** Have another answer than the version that they name gives to everybody. */
  misattributed: number;
  /** Sets of models that scores name. */
  sets: number;
}

/** Of a logistic in single precision. */
const TOLERANCE = 1e-6;

/** Customers have no orders, so that their revenue to date is 0. */
const ANSWERED: Record<Name, (score: EngagementScore) => number> = {
  engagement: ({ engagement }) => engagement,
  churn: ({ churn30d }) => churn30d,
  ltv: ({ ltvMinor }) => ltvMinor / 100,
};

/** Every evaluation is published here, so that the sequence of each customer counts without a gap. */
export function checkScores(state: OpenState, place: Place): Tally {
  const tally: Tally = { scores: 0, lost: 0, doubled: 0, unattributed: 0, misattributed: 0, sets: 0 };
  const sequences = new Map<string, number>();
  const sets = new Set<string>();
  for (const { topic, value } of state.outputs()) {
    if (topic !== 'engagement-scores' || value === null) continue;
    const score = state.codec.decodeOutput('engagement-scores', value);
    const { customerId, sequence, models } = score;
    const expected = (sequences.get(customerId) ?? 0) + 1;
    if (sequence < expected) tally.doubled++;
    else tally.lost += sequence - expected;
    sequences.set(customerId, Math.max(sequence, expected - 1));
    const kind = attributionOf(score, place);
    if (kind !== 'right') tally[kind]++;
    sets.add(models.map(({ version }) => version).join());
    tally.scores++;
  }
  return { ...tally, sets: sets.size };
}

export function attributionOf(
  score: EngagementScore,
  { versions }: Pick<Place, 'versions'>,
): 'right' | 'unattributed' | 'misattributed' {
  const answers = NAMES.map(name => {
    const named = score.models.filter(model => model.name === name);
    return named.length === 1 ? versions[name].get(named[0]!.version)?.answer : undefined;
  });
  if (score.models.length !== NAMES.length || answers.includes(undefined)) return 'unattributed';
  const isRight = NAMES.every((name, at) => Math.abs(ANSWERED[name](score) - answers[at]!) <= TOLERANCE);
  return isRight ? 'right' : 'misattributed';
}
