/** Prometheus metrics of a live process: what the lanes and schedulers count, what the collector and webhook do. */
import { Counter, Registry, collectDefaultMetrics } from 'prom-client';
import { OUTCOMES, STAGES } from '../../processors/runner';
import type { DriftReadings } from '../../models';
import type { LaneMetrics, RescorerMetrics, SchedulerMetrics } from '../../processors/runner';
import type { SwapMetrics } from '../../processors/swap';
import { atScrape, byLabel } from './at-scrape';
import type { Sample } from './at-scrape';
import { modelMetrics } from './model-metrics';

export interface CollectorMetrics {
  events: Counter<'outcome'>;
  refused: Counter<'code'>;
  derivedIds: Counter;
  webhooks: Counter<'outcome'>;
}

/** Of a processor of a cluster. */
export interface HeldPartitions {
  /** How many it works on. */
  partitions: () => number;
  /** Those whose lanes have stopped over damage. */
  stopped: () => readonly number[];
  /** Unread inputs of those that it works on, by topic. */
  lag: () => Readonly<Record<string, number>>;
}

export interface LiveSources {
  lanes: () => LaneMetrics;
  schedulers: () => SchedulerMetrics[];
  /** Null where the log is not in this process: `held` has the lag. */
  pending: (() => number) | null;
  /** Null where there is no stream. */
  streamReaders: (() => number) | null;
  /** Null where models never change. */
  models: (() => SwapMetrics) | null;
  rescorers: () => RescorerMetrics[];
  /** Where the partitions of this process change. */
  held?: HeldPartitions;
  drift: () => Promise<DriftReadings>;
}

export function collectorMetrics(registry: Registry): CollectorMetrics {
  const registers = [registry];
  return {
    events: new Counter({
      name: 'rescore_collector_events_total',
      help: 'Events that came over HTTP, by outcome: accepted, ignored, rejected, bot',
      labelNames: ['outcome'],
      registers,
    }),
    refused: new Counter({
      name: 'rescore_collector_refused_total',
      help: 'Requests that were refused, by error code',
      labelNames: ['code'],
      registers,
    }),
    derivedIds: new Counter({
      name: 'rescore_collector_derived_ids_total',
      help: 'Events without a message id: the hash of their bytes was taken',
      registers,
    }),
    webhooks: new Counter({
      name: 'rescore_webhook_posts_total',
      help: 'Posts of alerts, by outcome: delivered, retried, given_up',
      labelNames: ['outcome'],
      registers,
    }),
  };
}

const total = (
  registry: Registry,
  name: string,
  help: string,
  label: string,
  read: () => Readonly<Record<string, number>>,
): void => atScrape(registry, name, help, [label], () => byLabel(label, read()));

const single = (registry: Registry, name: string, help: string, read: () => number): void =>
  atScrape(registry, name, help, [], () => [[read()]]);

/** What the stream counts for itself. */
export function streamMetrics(registry: Registry, counts: { sent: number; slowReaders: number }): void {
  const name = 'rescore_stream_messages_total';
  single(registry, name, 'Messages written to readers of streams', () => counts.sent);
  const slow = 'rescore_stream_slow_readers_total';
  single(registry, slow, 'Readers dropped because they were too far behind', () => counts.slowReaders);
}

function heldMetrics(registry: Registry, { partitions, stopped, lag }: HeldPartitions): void {
  single(registry, 'rescore_partitions', 'Partitions that this process works on', partitions);
  const damaged = 'Partitions of this process that stand still over damage';
  atScrape(registry, 'rescore_partitions_stopped', damaged, ['partition'], () =>
    stopped().map((partition): Sample => [1, { partition: String(partition) }]),
  );
  const unread = 'Inputs that wait in the log for the lanes of this process, in offsets';
  atScrape(registry, 'rescore_lag_records', unread, ['topic'], () => byLabel('topic', lag()));
}

/** Measured once a scrape; nothing is shown of a PSI that too few customers stand behind. */
function driftMetrics(registry: Registry, read: () => Promise<DriftReadings>): void {
  let reading: Promise<DriftReadings> | null = null;
  // All metrics of a scrape are collected at the same time.
  const shared = (): Promise<DriftReadings> => (reading ??= read().finally(() => (reading = null)));
  const feature =
    'Population stability index of a feature, the sample of customers against the training quantiles of a model';
  atScrape(registry, 'rescore_feature_psi', feature, ['model', 'feature'], async () =>
    (await shared()).features.map(({ psi, ...labels }): Sample => [psi, labels]),
  );
  const score = 'Population stability index of the scores of a model against its scores in training';
  atScrape(registry, 'rescore_score_psi', score, ['model'], async () =>
    (await shared()).scores.map(({ psi, ...labels }): Sample => [psi, labels]),
  );
  const customers = 'Customers that drift is measured on';
  atScrape(registry, 'rescore_drift_customers', customers, [], async () => [[(await shared()).customers]]);
}

/** The lanes count for themselves; a scrape reads them. */
export function liveRegistry({
  lanes,
  schedulers,
  pending,
  streamReaders,
  models,
  rescorers,
  held,
  drift,
}: LiveSources): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  driftMetrics(registry, drift);
  total(registry, 'rescore_inputs_total', 'Inputs, by outcome', 'outcome', () =>
    Object.fromEntries(OUTCOMES.map(outcome => [outcome, lanes().outcomes[outcome]])),
  );
  total(
    registry,
    'rescore_scores_published_total',
    'Scores published, by cause',
    'cause',
    () => lanes().published,
  );
  total(
    registry,
    'rescore_alerts_raised_total',
    'Alerts raised, by kind',
    'kind',
    () => lanes().alertsRaised,
  );
  total(
    registry,
    'rescore_alerts_cleared_total',
    'Alerts cleared, by kind',
    'kind',
    () => lanes().alertsCleared,
  );
  total(registry, 'rescore_dead_letters_total', 'Dead letters, by code', 'code', () => lanes().deadLetters);
  total(registry, 'rescore_stage_seconds_total', 'Time of the lanes, by stage', 'stage', () =>
    Object.fromEntries(STAGES.map(stage => [stage, lanes().stageMicros[stage] / 1e6])),
  );
  single(
    registry,
    'rescore_scores_suppressed_total',
    'Evaluations that moved nothing',
    () => lanes().suppressed,
  );
  single(registry, 'rescore_sessions_total', 'Sessions published', () => lanes().sessions);
  single(registry, 'rescore_late_events_total', 'Events that came after a horizon', () => lanes().lateEvents);
  single(registry, 'rescore_ticks_total', 'Ticks appended by the schedulers', () =>
    schedulers().reduce((sum, { ticks }) => sum + ticks, 0),
  );
  single(registry, 'rescore_tick_delay_seconds', 'Age of the oldest due entry', () =>
    Math.max(0, ...schedulers().map(({ delayMs }) => delayMs / 1e3)),
  );
  if (pending !== null)
    single(registry, 'rescore_pending_events', 'Events in the log that no lane has read', pending);
  if (streamReaders !== null)
    single(registry, 'rescore_stream_readers', 'Open server-sent streams', streamReaders);
  if (held !== undefined) heldMetrics(registry, held);
  if (models !== null) modelMetrics(registry, models);
  single(registry, 'rescore_rescoring_left', 'Customers whose newest score is of other models', () =>
    rescorers().reduce((sum, { left }) => sum + left, 0),
  );
  single(registry, 'rescore_claims_total', 'Claims of partitions', () => lanes().claims);
  single(registry, 'rescore_recoveries_total', 'Recoveries from lost writes', () => lanes().recoveries);
  single(registry, 'rescore_fenced_total', 'Batches that another owner has fenced', () => lanes().fenced);
  return registry;
}
