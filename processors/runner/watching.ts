/** Between scoring and interpreting: the customers of a batch are shown to whoever watches for drift. */
import { CATALOGUE } from '../core';
import type { BatchAnswers, ScoreWatch, TrainedOn } from '../ports';
import type { Draft, VectorRows } from './draft';

const VECTOR_WIDTH = CATALOGUE.length;
const NOTHING: readonly TrainedOn[] = [];

/** Shows each followed customer once, as its last evaluation saw it. */
export function showTo(
  watch: ScoreWatch,
  { customers }: Draft,
  { cells }: VectorRows,
  answers: BatchAnswers | null,
): void {
  const trainedOn = answers?.by.trainedOn ?? NOTHING;
  const columns = (answers?.raw ?? null) as Readonly<Record<string, Float32Array>> | null;
  for (const { id, customer, evaluations, tombstones } of customers.values()) {
    const last = evaluations.at(-1);
    if (last === undefined) {
      if (tombstones.length > 0) watch.forget(id);
      continue;
    }
    if (!watch.follows(id)) continue;
    const { evaluation, row } = last;
    watch.saw({
      customerId: id,
      asOf: evaluation.asOf,
      firstSeenAt: customer.facts.firstSeenAt,
      cells,
      offset: row * VECTOR_WIDTH,
      trainedOn,
      answers: model => columns?.[model]?.[row] ?? NaN,
    });
  }
}
