/** Live lanes over an embedded state: one per partition with its scheduler, until the signal says stop. */
import { randomInt } from 'node:crypto';
import type { ScoringConstants } from '../../processors/core';
import type { DriftReadings } from '../../models';
import type { Clock, Scorer } from '../../processors/ports';
import { Lane, Rescorer, Scheduler, addMetrics, newLaneMetrics, runLane } from '../../processors/runner';
import type { LaneMetrics, RescorerMetrics, SchedulerMetrics } from '../../processors/runner';
import { INPUT_TOPICS } from '../../schemas';
import type { OpenState } from '../embedded';
import { driftWatch, inputRules } from '../lanes';
import { coreSettings } from '../settings';
import type { Settings } from '../settings';

export interface LiveEngine {
  metrics: () => LaneMetrics;
  schedulers: () => SchedulerMetrics[];
  rescorers: () => RescorerMetrics[];
  /** Events that are in the log and no lane has read. */
  pending: () => number;
  drift: () => Promise<DriftReadings>;
  /** Resolves when every lane has ended; rejects with the first error that no new claim mends. */
  done: Promise<void>;
}

const IDLE_MS = 20;
const JITTER_STEPS = 1_000;

export function startLive(
  settings: Settings,
  state: OpenState,
  scorer: Scorer,
  clock: Clock,
  stop: AbortController,
  wanted: () => ScoringConstants | null = () => null,
): LiveEngine {
  const { log, store } = state.embedded;
  const watch = driftWatch(settings);
  const ports = { log, store, publisher: store, scorer, watch, codec: state.codec, clock };
  const lanes = Array.from(
    { length: state.partitions },
    (_, partition) =>
      new Lane({
        partition,
        ports,
        core: coreSettings(settings),
        rules: inputRules(settings),
        signal: stop.signal,
        settings: {
          maxRecords: settings['lane.batchRecords'],
          maxCustomers: settings['lane.batchCustomers'],
          maxMessageBytes: settings['lane.maxMessageBytes'],
          vectorShare: settings['publish.vectorShare'],
          lingerMs: settings['lane.lingerMs'],
        },
      }),
  );
  const schedulers = lanes.map(
    lane => new Scheduler(lane, ports, { ticksPerSecond: settings['scheduler.ticksPerSecond'] }),
  );
  const perSecond = settings['models.rescorePerSecond'];
  const rescorers = lanes.map(lane => new Rescorer({ lane, ports, perSecond, wanted }));
  const running = lanes.map((lane, index) =>
    runLane({
      lane,
      scheduler: schedulers[index]!,
      rescorer: rescorers[index]!,
      clock,
      signal: stop.signal,
      settings: { idleMs: IDLE_MS },
      jitter: () => randomInt(JITTER_STEPS) / JITTER_STEPS,
    }).catch((error: unknown) => {
      // One lane that can't go on ends them all: half a service would hide it.
      stop.abort();
      throw error;
    }),
  );
  return {
    metrics: () => sumOf(lanes),
    schedulers: () => schedulers.map(({ metrics }) => metrics),
    rescorers: () => rescorers.map(({ metrics }) => metrics),
    pending: () => pendingOf(state),
    drift: () => watch.readings(),
    done: Promise.all(running).then(() => undefined),
  };
}

function sumOf(lanes: readonly Lane[]): LaneMetrics {
  const total = newLaneMetrics();
  for (const lane of lanes) addMetrics(total, lane.metrics);
  return total;
}

/** The embedded log answers at once; only its signature is a promise. */
function pendingOf({ embedded: { log }, partitions }: OpenState): number {
  let pending = 0;
  for (let partition = 0; partition < partitions; partition++) {
    const [read, end] = [log.committedNow(partition), log.endsNow(partition)];
    for (const topic of INPUT_TOPICS) pending += end[topic] - (read?.[topic] ?? 0);
  }
  return pending;
}
