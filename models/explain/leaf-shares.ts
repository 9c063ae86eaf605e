/**
 * What a leaf of a tree contributes to each feature on its path: Shapley's values of a small game.
 *
 * In a coalition S of features the vector goes its own way at nodes whose feature is in S, and at the others both ways,
 * weighted by the covers of the children. A leaf pays `value` × one factor per distinct feature on its path: 1 or 0
 * when the feature is in S (`follows`: all its nodes on the path send the vector on), else `zero`, the product of its
 * cover fractions. So with D the features of the path and d their number, feature j gets
 *
 *     value × (follows_j - zero_j) × Σ over T ⊆ D \ {j} of |T|! (d - |T| - 1)! / d! × Π_T follows × Π_rest zero
 *
 * Source: S. Lundberg, G. Erion, S. Lee, "Consistent Individualized Feature Attribution for Tree Ensembles", 2018
 * (arXiv:1802.03888): the path-dependent game. d is at most 5, so the sum is taken as it stands.
 */

/** A distinct feature on the path of a leaf. */
export interface Step {
  feature: number;
  /** Bits of its comparisons on the path, and the outcomes that lead on to the leaf. */
  mask: number;
  wanted: number;
  zero: number;
}

export interface Leaf {
  value: number;
  steps: readonly Step[];
}

/** What the leaf pays to the empty coalition. */
export const meanOf = ({ value, steps }: Leaf): number =>
  steps.reduce((product, { zero }) => product * zero, value);

/** A feature that is asked again on the same path stays one player. */
export function extended(steps: readonly Step[], next: Step): Step[] {
  const before = steps.find(({ feature }) => feature === next.feature);
  if (before === undefined) return [...steps, next];
  const united = {
    feature: next.feature,
    mask: before.mask | next.mask,
    wanted: before.wanted | next.wanted,
    zero: before.zero * next.zero,
  };
  return steps.map(step => (step === before ? united : step));
}

/** Set of the steps that follow, for the outcomes of the tree's comparisons (bit set: the vector goes to `yes`). */
export function followingOf({ steps }: Leaf, outcomes: number): number {
  let following = 0;
  for (let step = 0; step < steps.length; step++)
    if (((outcomes ^ steps[step]!.wanted) & steps[step]!.mask) === 0) following |= 1 << step;
  return following;
}

/** `shares[following * steps.length + step]`, for every set of steps that may follow. */
export function sharesOf({ value, steps }: Leaf): Float64Array {
  const players = steps.length;
  const shares = new Float64Array((1 << players) * players);
  for (let following = 0; following < 1 << players; following++)
    for (let step = 0; step < players; step++)
      shares[following * players + step] =
        value *
        (((following >> step) & 1) - steps[step]!.zero) *
        meanOfOthers(following & ~(1 << step), step, steps);
  return shares;
}

/** The sum over T above. Features that do not follow pay 0 in T, so only subsets of those that follow count. */
function meanOfOthers(following: number, player: number, steps: readonly Step[]): number {
  let sum = 0;
  for (let coalition = following; ; coalition = (coalition - 1) & following) {
    let product = 1;
    let members = 0;
    for (let other = 0; other < steps.length; other++)
      if ((coalition >> other) & 1) members++;
      else if (other !== player) product *= steps[other]!.zero;
    sum += product * shapleyWeight(members, steps.length);
    if (coalition === 0) return sum;
  }
}

/** members! (players - members - 1)! / players! */
function shapleyWeight(members: number, players: number): number {
  let weight = 1 / players;
  for (let k = 1; k <= members; k++) weight *= k / (players - k);
  return weight;
}
