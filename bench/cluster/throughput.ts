/** A backlog worked off: what an event costs when nothing else holds it up, and what it leaves behind. */
import { setTimeout as delay } from 'node:timers/promises';
import { encodeCustomer } from '../../processors/core';
import { typicalCustomer } from '../../processors/core/testing/typical';
import { STAGES } from '../../processors/runner';
import { systemClock } from '../../cli/clock';
import { Bed } from './bed';
import type { BenchProcessor, Servers } from './bed';
import { PUBLISH_ALL, named, perEvent, spent } from './costs';
import type { Figures } from './costs';
import { Load } from './load';
import { percentile } from './watch';

/** Events after a start that are not counted: V8 compiles what runs, once in the life of a processor. */
const SETTLING = 100_000;
/**
 * Of `growth`: a few customers send so many each that what is remembered of the last days (ids of messages, sessions)
 * grows to several times the typical, and they would cost more for that. So fewer events.
 */
const GROWTH = { settling: 50_000, events: 100_000 };
/** Metrics cost the processor something too. */
const POLL_MS = 500;

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

/** What a core does when it has all it needs. */
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
        .push(await workOff(servers, { name: 'growth', ...GROWTH, customers, settings, sameHistory: true }));
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
    figures[`${name}.redisBytesPerCustomer`] = percentile(of('redisBytesPerCustomer'), 0.5);
    return figures[`${name}.processorMicros`];
  });
  figures['growth.mostOverLeast'] = Math.max(...costs) / Math.min(...costs);
  figures['growth.largestOverSmallest'] = costs.at(-1)! / costs[0]!;
  return figures;
}

interface Backlog {
  name: string;
  events: number;
  /** Before them, not counted; SETTLING unless given. */
  settling?: number;
  customers: number;
  settings: Record<string, string>;
  /** Everybody begins with the state of the same typical customer, and nobody orders. */
  sameHistory?: boolean;
}

async function workOff(
  servers: Servers,
  { name, events, settling = SETTLING, customers, settings, sameHistory = false }: Backlog,
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
    await load.flood(settling + events);
    await load.disconnect();
    const again = await bed.processor('a');
    await again.start();
    await untilInputs(again, settling);
    const before = spent(servers, again);
    const from = { inputs: await inputsOf(again), scores: await scoresOf(again), at: systemClock.now() };
    const stages = await again.metric('rescore_stage_seconds_total');
    const inputs = await untilInputs(again, settling + events);
    const after = spent(servers, again);
    const counted = inputs - from.inputs;
    const seconds = (systemClock.now() - from.at) / 1_000;
    const scores = (await scoresOf(again)) - from.scores;
    const stagesAfter = await again.metric('rescore_stage_seconds_total');
    const memory = await bed.redis.info('memory');
    await again.end();
    const bytes = bed.bytesOnDisk();
    return named(name, {
      eventsPerCpuSecond: counted / (after.processor - before.processor),
      eventsPerSecond: counted / seconds,
      scoresPerEvent: scores / counted,
      ...perEvent(before, after, counted),
      redisBytesPerCustomer: Number(/used_memory_dataset:(\d+)/.exec(memory)?.[1]) / customers,
      kafkaInputBytesPerEvent: bytes.inputs / load.sent,
      kafkaOutputBytesPerEvent: bytes.outputs / load.sent,
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
