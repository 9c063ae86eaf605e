/** Something dies: how long until every partition has scores again. */
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../cli/clock';
import { Bed } from './bed';
import type { Servers } from './bed';
import type { Figures } from './costs';
import { Load } from './load';
import { ScoreWatch } from './watch';

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
