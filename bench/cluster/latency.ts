/** Load at a steady rate: how long an event waits for its score, and what it costs when batches are small. */
import { setTimeout as delay } from 'node:timers/promises';
import { Bed } from './bed';
import type { Servers } from './bed';
import { PUBLISH_ALL, named, perEvent, spent } from './costs';
import type { Figures } from './costs';
import { Load } from './load';
import { ScoreWatch, percentile } from './watch';

/** The compilers of broker and processor are busy at first, and would be measured instead. */
const WARM_UP_MS = 45_000;

export interface SteadyOptions {
  /** Of the figures. */
  name: string;
  perSecond: number;
  partitions: number;
  /** Partitions that share a transaction. */
  unitSize: number;
  ms: number;
}

/** From the append of an event to its score at a read_committed consumer; the broker's cost also without a processor. */
export async function steady(servers: Servers, options: SteadyOptions): Promise<Figures> {
  const { name, perSecond, partitions, unitSize, ms } = options;
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
    watch.isMeasuring = false;
    return named(name, {
      perSecond: events / (ms / 1_000),
      latencyP50Ms: percentile(watch.latencies, 0.5),
      latencyP99Ms: percentile(watch.latencies, 0.99),
      latencyP999Ms: percentile(watch.latencies, 0.999),
      ...perEvent(before, after, events),
      brokerInputMicros: await inputsAlone(servers, load, perSecond, ms),
    });
  } finally {
    await watch.stop();
    await load.disconnect();
    await bed.close();
  }
}

/** What the same inputs cost the broker, µs an event, while nobody reads them: the traffic's own share. */
async function inputsAlone(servers: Servers, load: Load, perSecond: number, ms: number): Promise<number> {
  const before = spent(servers);
  const sent = load.sent;
  await load.steady(perSecond, ms);
  return perEvent(before, spent(servers), load.sent - sent)['brokerMicros']!;
}
