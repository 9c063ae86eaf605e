/** Prometheus metrics of models that change while lanes work. */
import type { Registry } from 'prom-client';
import { DIFFERENCE_EDGES } from '../../processors/swap';
import type { SwapMetrics } from '../../processors/swap';
import { atScrape, byLabel } from './at-scrape';
import type { Sample } from './at-scrape';

export function modelMetrics(registry: Registry, read: () => SwapMetrics): void {
  atScrape(registry, 'rescore_model_info', 'Version that scores', ['model', 'version'], () =>
    Object.entries(read().scoring).map(([model, version]): Sample => [1, { model, version }]),
  );
  const behind = 'Another version scores than the pointer of the registry says';
  atScrape(registry, 'rescore_model_behind', behind, ['model'], () => byLabel('model', read().behind));
  const trial = 'The version that scores is compared with the one before';
  atScrape(registry, 'rescore_model_on_trial', trial, ['model'], () => byLabel('model', read().onTrial));
  atScrape(registry, 'rescore_model_swaps_total', 'Versions swapped in', [], () => [[read().swaps]]);
  const refusals = 'Versions that could not be loaded, by error code';
  atScrape(registry, 'rescore_model_refusals_total', refusals, ['code'], () =>
    byLabel('code', read().refusals),
  );
  const rollbacks = 'Models rolled back by this process, by reason';
  atScrape(registry, 'rescore_model_rollbacks_total', rollbacks, ['reason'], () =>
    byLabel('reason', read().rollbacks),
  );
  const took = 'Last rollback, from noticing to the switch';
  atScrape(registry, 'rescore_model_rollback_seconds', took, [], () => [[read().rollbackMs / 1_000]]);
  const again = 'Batches that were answered again by the model before';
  atScrape(registry, 'rescore_model_batches_again_total', again, [], () => [[read().answeredAgain]]);
  const looked = 'When every pointer of the registry was last read, seconds since 1970';
  atScrape(registry, 'rescore_model_look_timestamp_seconds', looked, [], () => {
    const { lookedAt } = read();
    return lookedAt === null ? [] : [[lookedAt / 1_000]];
  });
  shadowMetrics(registry, read);
}

function shadowMetrics(registry: Registry, read: () => SwapMetrics): void {
  const labels = ['model', 'version'] as const;
  const each = (of: (shadow: SwapMetrics['shadows'][number]) => number) => (): Sample[] =>
    read().shadows.map((shadow): Sample => {
      const { model, version } = shadow;
      return [of(shadow), { model, version }];
    });
  const rows = 'Rows that a candidate answered beside the current model';
  atScrape(
    registry,
    'rescore_shadow_rows_total',
    rows,
    labels,
    each(({ tally }) => tally.rows),
  );
  const sum = 'Sum of the absolute differences from the current model, of amounts as a share';
  atScrape(
    registry,
    'rescore_shadow_difference_sum',
    sum,
    labels,
    each(({ tally }) => tally.sum),
  );
  const mean = 'Mean absolute difference from the current model, of amounts as a share';
  atScrape(
    registry,
    'rescore_shadow_difference_mean',
    mean,
    labels,
    each(({ tally }) => tally.sum / (tally.rows || 1)),
  );
  const beyond = 'Share of rows that differ by more than models.shadowDifference';
  atScrape(
    registry,
    'rescore_shadow_beyond_share',
    beyond,
    labels,
    each(({ tally }) => tally.beyond / (tally.rows || 1)),
  );
  const buckets = 'Rows whose difference is at most le';
  atScrape(registry, 'rescore_shadow_difference_bucket', buckets, [...labels, 'le'], () =>
    read().shadows.flatMap(bucketsOf),
  );
  const skipped = 'Batches that a candidate did not answer, being at the one before';
  atScrape(
    registry,
    'rescore_shadow_batches_skipped_total',
    skipped,
    labels,
    each(({ skipped }) => skipped),
  );
  const failures = 'Candidates put off, by reason';
  atScrape(registry, 'rescore_shadow_failures_total', failures, ['reason'], () =>
    byLabel('reason', read().shadowFailures),
  );
}

/** Cumulative, as Prometheus has them. */
function bucketsOf({ model, version, tally }: SwapMetrics['shadows'][number]): Sample[] {
  let rows = 0;
  return DIFFERENCE_EDGES.map((edge, at): Sample => {
    rows += tally.buckets[at]!;
    return [rows, { model, version, le: edge === Infinity ? '+Inf' : String(edge) }];
  });
}
