/** What can't be mended by waiting: the processor ends with the procedure, and changes nothing. */
import { Redis } from 'ioredis';
import { INPUT_TOPICS } from '../../schemas';
import { describeWithServers, withServers } from '../testing/describe';
import { Scenario, pause } from './scenario';

describeWithServers('damage', () => {
  const servers = withServers();
  let seed = 20;

  /** Some work, everything read, then stopped; what happens next is the test's. */
  async function afterWork(then: (scenario: Scenario, redis: Redis) => Promise<void>): Promise<void> {
    const scenario = await Scenario.open({ ...servers(), seed: seed++, losesWrites: true });
    const [host, port] = servers().redis.split(':');
    const redis = new Redis({ host: host!, port: Number(port) });
    try {
      const [processor] = await scenario.joined('a');
      await scenario.someTraffic(2_000);
      await scenario.rest();
      expect(await processor!.end()).toBe(0);
      await then(scenario, redis);
    } finally {
      redis.disconnect();
      await scenario.close();
    }
  }

  async function refuses(scenario: Scenario, said: RegExp): Promise<void> {
    const again = scenario.processor('again');
    again.start();
    await again.hears('never said', 20_000);
    expect(again.isRunning).toBe(false);
    expect(again.complaints).toMatch(said);
    expect(await again.end()).toBe(1);
  }

  test(
    'an emptied Redis is refused with the procedure',
    () =>
      afterWork(async (scenario, redis) => {
        await redis.flushall();
        await refuses(
          scenario,
          /but the state is empty\. Nothing was changed\. Restore the state from a backup/,
        );
        // Only the claim is there, and no position.
        expect(await redis.hget(`{${scenario.id}:0}:meta`, 'positions')).toBeNull();
      }),
    120_000,
  );

  test(
    'retention that overtook the state is refused',
    () =>
      afterWork(async scenario => {
        const topic = `${scenario.prefix}web-events`;
        await scenario.sendAll(
          Array.from({ length: 400 }, (_, at) => ({
            at: 0,
            topic: 'web-events' as const,
            key: `k${at}`,
            value: Uint8Array.of(1),
          })),
        );
        const admin = scenario.kafka.admin();
        await admin.connect();
        const ends = await admin.fetchTopicOffsets(topic);
        const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
        await admin.deleteTopicRecords({ topic, partitions });
        await admin.disconnect();
        await refuses(scenario, /retention has overtaken it/);
      }),
    120_000,
  );

  test(
    "a customer's value that is damaged is named, not skipped",
    () =>
      afterWork(async (scenario, redis) => {
        const facts = `{${scenario.id}:0}:facts`;
        const [customer] = await redis.hkeys(facts);
        await redis.hset(facts, customer!, 'damaged by hand');
        const again = scenario.processor('again');
        again.start();
        expect(await again.hears('joined')).toBe(true);
        const value = Uint8Array.of(1);
        await scenario.sendAll([{ at: 0, topic: 'web-events', key: customer!, value }]);
        // A tick or an event loads it.
        scenario.beginTraffic();
        await again.hears('never said', 20_000);
        expect(again.isRunning).toBe(false);
        expect(again.complaints).toMatch(/stored value/i);
      }),
    120_000,
  );

  test(
    'positions of the group that have expired are written again',
    () =>
      afterWork(async scenario => {
        const admin = scenario.kafka.admin();
        await admin.connect();
        await pause(2_500);
        await admin.deleteGroups([scenario.id]);
        const again = scenario.processor('again');
        again.start();
        expect(await again.hears('joined')).toBe(true);
        await scenario.rest();
        const topics = INPUT_TOPICS.map(topic => scenario.prefix + topic);
        const committed = await admin.fetchOffsets({ groupId: scenario.id, topics });
        await admin.disconnect();
        for (const { partitions } of committed)
          for (const { offset } of partitions) expect(Number(offset)).toBeGreaterThanOrEqual(0);
        expect((await scenario.verdict()).violations).toEqual([]);
      }),
    120_000,
  );
});
