/** The scores that stood published when a snapshot was taken. */
import type { EpochMs } from '../../schemas';
import { hash64, hashHex } from '../../processors/core';
import type { MaturedModel } from './metrics';
import type { TailRow } from './tail';

/** What is read of a published score. `asOf` in ms. */
export interface PublishedScore {
  readonly customerId: string;
  readonly asOf: EpochMs;
  readonly engagement: number;
  readonly churn30d: number;
  readonly models: readonly { readonly name: string; readonly version: string }[];
}

export interface Standing {
  readonly row: TailRow;
  readonly score: PublishedScore;
}

/** For each row the newest score of its customer with an as-of at or before the snapshot; rows without one are left out. */
export async function standingScores(
  rows: readonly TailRow[],
  scores: AsyncIterable<PublishedScore>,
): Promise<Standing[]> {
  const byCustomer = new Map<string, { row: TailRow; score: PublishedScore | null }[]>();
  for (const row of rows) {
    const held = byCustomer.get(row.customer);
    if (held === undefined) byCustomer.set(row.customer, [{ row, score: null }]);
    else held.push({ row, score: null });
  }
  for await (const score of scores) {
    const customer = hashHex(hash64(score.customerId));
    for (const place of byCustomer.get(customer) ?? [])
      if (score.asOf <= place.row.at && (place.score === null || score.asOf >= place.score.asOf))
        place.score = score;
  }
  return [...byCustomer.values()]
    .flat()
    .flatMap(({ row, score }) => (score === null ? [] : [{ row, score }]));
}

/** What is published of ltv has revenue to date in it, which its label has not. */
export const PUBLISHED_MODELS = ['engagement', 'churn'] as const satisfies MaturedModel[];
type PublishedModel = (typeof PUBLISHED_MODELS)[number];

export const answerOf = (score: PublishedScore, model: PublishedModel): number =>
  model === 'churn' ? score.churn30d : score.engagement;

/** Of the newest score; a swap in between is not told apart. */
export function versionOf(standing: readonly Standing[], model: PublishedModel): string {
  let newest: PublishedScore | null = null;
  for (const { score } of standing) if (newest === null || score.asOf > newest.asOf) newest = score;
  return newest?.models.find(({ name }) => name === model)?.version ?? 'unknown';
}
