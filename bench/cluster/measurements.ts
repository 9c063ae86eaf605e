/** What is measured of the distributed engine, one function each. Broker, Redis and processor share this box. */
import { setTimeout as delay } from 'node:timers/promises';
import { encodeCustomer } from '../../processors/core';
import { typicalCustomer } from '../../processors/core/testing/typical';
import { STAGES } from '../../processors/runner';
import { systemClock } from '../../cli/clock';
import { Bed } from './bed';
import type { BenchProcessor, Servers } from './bed';
import { cpuSecondsOf } from './cpu';
import { Load } from './load';
import { ScoreWatch, percentile } from './watch';

export type Figures = Record<string, number>;

/** The compilers of broker and processor are busy at first, and would be measured instead. */
const WARM_UP_MS = 45_000;
/** Events after a start that are not counted: V8 compiles what runs, once in the life of a processor. */
const SETTLING = 100_000;
/** Metrics cost the processor something too. */
const POLL_MS = 500;
/** Every evaluation is published: nearly one score an event, as many as there can be. Reasons are measured apart. */
const PUBLISH_ALL = {
  RESCORE_PUBLISH_ENGAGEMENT_DELTA: '0',
  RESCORE_PUBLISH_CHURN_DELTA: '0',
  RESCORE_PUBLISH_LTV_SHARE: '0',
  RESCORE_PUBLISH_REASONS: 'off',
};

const inputsOf = async (processor: BenchProcessor): Promise<number> => {
  let sum = 0;
  for (const count of (await processor.metric('rescore_inputs_total')).values()) sum += count;
  return sum;
};

/** Resolves with the inputs of a processor once they are that many. */
async function untilInputs(processor: BenchProcessor, wanted: number): Promise<number> {
  for (;;) {
    const inputs = await inputsOf(processor);
    if (inputs >= wanted) return inputs;
    await delay(POLL_MS);
  }
}

const scoresOf = async (processor: BenchProcessor): Promise<number> => {
  let sum = 0;
  for (const count of (await processor.metric('rescore_scores_published_total')).values()) sum += count;
  return sum;
};

interface Spent {
  processor: number;
  broker: number;
  redis: number;
}

const spent = ({ kafka, redis }: Servers, processor: BenchProcessor): Spent => ({
  processor: processor.cpuSeconds(),
  broker: cpuSecondsOf(kafka.pid()),
  redis: cpuSecondsOf(redis.pid()),
});

const perEvent = (before: Spent, after: Spent, events: number): Figures => ({
  processorMicros: ((after.processor - before.processor) / events) * 1e6,
  brokerMicros: ((after.broker - before.broker) / events) * 1e6,
  redisMicros: ((after.redis - before.redis) / events) * 1e6,
});

const named = (name: string, figures: Figures): Figures =>
  Object.fromEntries(Object.entries(figures).map(([key, value]) => [`${name}.${key}`, value]));

/** A backlog worked off: what a core does when nothing else holds it up. */
export const backlog = (servers: Servers, events: number, customers: number): Promise<Figures> =>
  workOff(servers, { name: `backlog.${customers}customers`, events, customers, settings: PUBLISH_ALL });

/** The same with the reasons behind every score. */
export const withReasons = (servers: Servers, events: number, customers: number): Promise<Figures> =>
  workOff(servers, {
    name: 'reasons',
    events,
    customers,
    settings: { ...PUBLISH_ALL, RESCORE_PUBLISH_REASONS: 'on' },
  });

/**
 * What an event costs as the customers grow: in batches so small that nobody comes twice, so each gets its score.
 * Everybody has a typical customer's 90 days behind him and sends no orders, or a few customers would cost more for all
 * that they did in this measurement. The sizes take turns, and each says its median: what a busy host does to one of
 * them would pass for growth.
 */
export async function growth(
  servers: Servers,
  events: number,
  sizes: readonly number[],
  rounds: number,
  onSize: (customers: number) => void,
): Promise<Figures> {
  const settings = { ...PUBLISH_ALL, RESCORE_LANE_BATCH_RECORDS: '200' };
  const found = new Map(sizes.map(customers => [customers, [] as Figures[]]));
  for (let round = 0; round < rounds; round++)
    for (const customers of sizes) {
      onSize(customers);
      found
        .get(customers)!
        .push(await workOff(servers, { name: 'growth', events, customers, settings, sameHistory: true }));
    }
  const figures: Figures = {};
  const costs = [...found].map(([customers, each]) => {
    const of = (name: string): number[] =>
      each.map(figure => figure[`growth.${name}`]!).sort((a, b) => a - b);
    const micros = of('processorMicros');
    const name = `growth.${customers}customers`;
    figures[`${name}.processorMicros`] = percentile(micros, 0.5);
    figures[`${name}.processorMicrosLeast`] = micros[0]!;
    figures[`${name}.processorMicrosMost`] = micros.at(-1)!;
    figures[`${name}.scoresPerEvent`] = percentile(of('scoresPerEvent'), 0.5);
    return figures[`${name}.processorMicros`];
  });
  figures['growth.mostOverLeast'] = Math.max(...costs) / Math.min(...costs);
  figures['growth.largestOverSmallest'] = costs.at(-1)! / costs[0]!;
  return figures;
}

interface Backlog {
  name: string;
  events: number;
  customers: number;
  settings: Record<string, string>;
  /** Everybody begins with the state of the same typical customer, and nobody orders. */
  sameHistory?: boolean;
}

async function workOff(
  servers: Servers,
  { name, events, customers, settings, sameHistory = false }: Backlog,
): Promise<Figures> {
  const bed = await Bed.make(servers, { name: `${name}${customers}`, partitions: 4, unitSize: 4, settings });
  try {
    const { kafka, prefix } = bed;
    const of = { kafka, prefix, partitions: 4, customers, seed: 1 };
    const load = new Load(sameHistory ? { ...of, orderShare: 0 } : of);
    await load.connect();
    // What everybody is first seen with is not measured.
    const warmUp = Math.max(customers, 60_000);
    const processor = await bed.processor('a');
    await processor.start();
    await load.flood(warmUp);
    await untilInputs(processor, warmUp);
    await processor.kill();
    if (sameHistory) await bed.giveToEveryone(encodeCustomer(typicalCustomer(1, systemClock.now())));
    await load.flood(SETTLING + events);
    await load.disconnect();
    const again = await bed.processor('a');
    await again.start();
    await untilInputs(again, SETTLING);
    const before = spent(servers, again);
    const from = { inputs: await inputsOf(again), scores: await scoresOf(again), at: systemClock.now() };
    const stages = await again.metric('rescore_stage_seconds_total');
    const inputs = await untilInputs(again, SETTLING + events);
    const after = spent(servers, again);
    const counted = inputs - from.inputs;
    const seconds = (systemClock.now() - from.at) / 1_000;
    const scores = (await scoresOf(again)) - from.scores;
    const stagesAfter = await again.metric('rescore_stage_seconds_total');
    const memory = await bed.redis.info('memory');
    await again.end();
    return named(name, {
      eventsPerCpuSecond: counted / (after.processor - before.processor),
      eventsPerSecond: counted / seconds,
      scoresPerEvent: scores / counted,
      ...perEvent(before, after, counted),
      redisBytesPerCustomer: Number(/used_memory_dataset:(\d+)/.exec(memory)?.[1]) / customers,
      kafkaBytesPerEvent: load.bytes / load.sent,
      ...Object.fromEntries(
        STAGES.map(stage => [
          `stage.${stage}Micros`,
          (((stagesAfter.get(stage) ?? 0) - (stages.get(stage) ?? 0)) / counted) * 1e6,
        ]),
      ),
    });
  } finally {
    await bed.close();
  }
}

/** At a steady rate: how long an event waits for its score, and what an event costs when batches are small. */
export async function steady(
  servers: Servers,
  perSecond: number,
  partitions: number,
  unitSize: number,
  ms: number,
): Promise<Figures> {
  const name = `steady${partitions}x${unitSize}`;
  const bed = await Bed.make(servers, { name, partitions, unitSize, settings: PUBLISH_ALL });
  const customers = perSecond * 20;
  const load = new Load({ kafka: bed.kafka, prefix: bed.prefix, partitions, customers, seed: 2 });
  const watch = new ScoreWatch(bed.kafka, `${bed.prefix}engagement-scores`, load);
  try {
    await load.connect();
    const processor = await bed.processor('a');
    await processor.start();
    await watch.start();
    await load.steady(perSecond, WARM_UP_MS);
    watch.isMeasuring = true;
    const before = spent(servers, processor);
    const sent = load.sent;
    await load.steady(perSecond, ms);
    const after = spent(servers, processor);
    const events = load.sent - sent;
    await delay(500);
    await processor.end();
    return named(name, {
      perSecond: events / (ms / 1_000),
      latencyP50Ms: percentile(watch.latencies, 0.5),
      latencyP99Ms: percentile(watch.latencies, 0.99),
      latencyP999Ms: percentile(watch.latencies, 0.999),
      ...perEvent(before, after, events),
    });
  } finally {
    await watch.stop();
    await load.disconnect();
    await bed.close();
  }
}

/** Two processors, one dies: how long until every partition has a score again of an event sent after that. */
export async function takeover(servers: Servers, restarts: boolean): Promise<Figures> {
  const bed = await Bed.make(servers, {
    name: restarts ? 'restarted' : 'takeover',
    partitions: 8,
    unitSize: 2,
  });
  const load = new Load({ kafka: bed.kafka, prefix: bed.prefix, partitions: 8, customers: 20_000, seed: 3 });
  const watch = new ScoreWatch(bed.kafka, `${bed.prefix}engagement-scores`, load);
  try {
    await load.connect();
    const [a, b] = [await bed.processor('a'), await bed.processor('b')];
    await Promise.all([a.start(), b.start()]);
    await watch.start();
    const traffic = load.steady(1_000, 25_000);
    await delay(6_000);
    await a.kill();
    const diedAt = systemClock.now();
    if (restarts) void a.start().catch(() => undefined);
    await delay(1);
    const seconds = await untilAllSeen(watch, diedAt, 8);
    await traffic;
    return { [restarts ? 'takeover.withRestartSeconds' : 'takeover.withoutRestartSeconds']: seconds };
  } finally {
    await watch.stop();
    await load.disconnect();
    await bed.close();
  }
}

/** Redis dies and comes back with all it had: how long until every partition has scores again. */
export async function redisRestart(servers: Servers): Promise<Figures> {
  const bed = await Bed.make(servers, { name: 'redis', partitions: 4, unitSize: 4 });
  const load = new Load({ kafka: bed.kafka, prefix: bed.prefix, partitions: 4, customers: 20_000, seed: 4 });
  const watch = new ScoreWatch(bed.kafka, `${bed.prefix}engagement-scores`, load);
  try {
    await load.connect();
    const processor = await bed.processor('a');
    await processor.start();
    await watch.start();
    const traffic = load.steady(1_000, 20_000);
    await delay(5_000);
    await servers.redis.kill();
    await servers.redis.start();
    const backAt = systemClock.now();
    const seconds = await untilAllSeen(watch, backAt, 4);
    await traffic;
    return { 'redisRestart.seconds': seconds };
  } finally {
    await watch.stop();
    await load.disconnect();
    await bed.close();
  }
}

/** Seconds from `since` until each partition has shown a score; Infinity after 30. */
async function untilAllSeen(watch: ScoreWatch, since: number, partitions: number): Promise<number> {
  // What was under way when it died is no sign of life.
  const grace = since + 250;
  for (let now = since; now - since < 30_000; now = systemClock.now()) {
    const seen = [...watch.seenAt.values()].filter(at => at > grace).length;
    if (seen === partitions) return (now - since) / 1_000;
    await delay(10);
  }
  return Infinity;
}
