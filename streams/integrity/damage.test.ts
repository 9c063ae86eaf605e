/**
 * What can't be mended by waiting: the lane stands still with the procedure, and changes nothing; the others go on. A
 * processor without any lane at work ends.
 */
import { Redis } from 'ioredis';
import { runCli } from '../../cli/testing/captured-io';
import { DAY_MS, INPUT_TOPICS } from '../../schemas';
import { describeWithServers, withServers } from '../testing/describe';
import { Scenario, pause } from './scenario';

/** In the middle of a field of a hash. */
async function flipOneBit(redis: Redis, key: string, field: string): Promise<void> {
  const bytes = (await redis.hgetBuffer(key, field))!;
  bytes[bytes.length >> 1]! ^= 4;
  await redis.hset(key, field, bytes);
}

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

  /** Reads on everywhere but there, says why it does not there, and ends in order. */
  async function standsStill(scenario: Scenario, partition: number, said: RegExp): Promise<void> {
    const again = scenario.processor('again');
    again.start();
    expect(await again.hears('joined')).toBe(true);
    // Among them customers of every partition, also where everybody is known.
    await scenario.someTraffic(1_000);
    const others = [0, 1, 2, 3].filter(one => one !== partition);
    await scenario.rest(others);
    for (let tries = 0; tries < 100 && !said.test(again.complaints); tries++) await pause(200);
    expect(again.complaints).toMatch(said);
    const unready = await again.ask('/readyz');
    expect(JSON.parse(unready)).toMatchObject({
      status: 'unready',
      why: expect.stringMatching(said) as string,
    });
    const metrics = await again.ask('/metrics');
    expect(metrics).toContain('\nrescore_partitions 3\n');
    expect(metrics).toContain(`\nrescore_partitions_stopped{partition="${partition}"} 1\n`);
    // One that joins takes two of them over; the other two are not disturbed.
    const [guest] = await scenario.joined('guest');
    await scenario.someTraffic(400);
    await scenario.rest(others);
    expect([again.isRunning, guest!.isRunning]).toEqual([true, true]);
    expect([await again.end(), await guest!.end()]).toEqual([0, 0]);
  }

  async function goesOn(scenario: Scenario): Promise<void> {
    await scenario.joined('repaired');
    await scenario.rest();
    expect((await scenario.verdict()).violations).toEqual([]);
  }

  test(
    'one partition whose state is gone stands still, the others go on, and a repair brings it back',
    () =>
      afterWork(async (scenario, redis) => {
        const meta = `{${scenario.id}:2}:meta`;
        const kept = await redis.dumpBuffer(meta);
        await redis.del(meta);
        await standsStill(
          scenario,
          2,
          /[Pp]artition 2 stands still.*but the state is empty\. Nothing was changed\. Restore the state from a backup.*docs\/runbook\.md/,
        );
        await redis.restore(meta, 0, kept!, 'REPLACE');
        await goesOn(scenario);
      }),
    120_000,
  );

  test(
    "a customer's value that is damaged stops its partition and is named, not skipped",
    () =>
      afterWork(async (scenario, redis) => {
        const facts = `{${scenario.id}:0}:facts`;
        const kept = await redis.dumpBuffer(facts);
        for (const customer of await redis.hkeys(facts)) await flipOneBit(redis, facts, customer);
        await standsStill(
          scenario,
          0,
          /[Pp]artition 0 stands still.*stored value of customer #\w+ can't be read: Its checksum is wrong.*"A damaged value"/,
        );
        await redis.restore(facts, 0, kept!, 'REPLACE');
        await goesOn(scenario);
      }),
    120_000,
  );

  test(
    '`state check` finds nothing in a sound state, and each kind of damage',
    () =>
      afterWork(async (scenario, redis) => {
        const check = async () => {
          const command = ['--json', 'state', 'check', '--redis'];
          const { code, stdout, stderr } = await runCli(command, { cwd: '/', env: scenario.environment });
          const { problems } = JSON.parse(stdout) as { problems: { customerId: string; what: string }[] };
          return { code, stderr, found: problems.map(({ customerId, what }) => `${customerId}: ${what}`) };
        };
        expect(await check()).toEqual({ code: 0, stderr: '', found: [] });

        const keys = (partition: number, kind: string) => `{${scenario.id}:${partition}}:${kind}`;
        const [damaged, removed] = await redis.hkeys(keys(0, 'facts'));
        await flipOneBit(redis, keys(0, 'facts'), damaged!);
        await redis.hdel(keys(0, 'facts'), removed!);
        await redis.zadd(keys(0, 'due'), '1', removed!);
        const [forgotten, late] = await redis.zrange(keys(1, 'due'), '0', '1');
        await redis.zrem(keys(1, 'due'), forgotten!);
        await redis.zincrby(keys(1, 'due'), DAY_MS, late!);
        const outbox = (await redis.getBuffer(keys(2, 'outbox')))!;
        await redis.set(keys(2, 'outbox'), outbox.subarray(0, -1));
        const positions = JSON.parse((await redis.hget(keys(3, 'meta'), 'positions'))!) as number[];
        positions[0]! -= 1;
        await redis.hset(keys(3, 'meta'), 'positions', JSON.stringify(positions));
        await redis.del(keys(3, 'outbox'));

        const { code, stderr, found } = await check();
        expect([code, stderr]).toEqual([1, expect.stringContaining('state-damaged: 6 thing(s) are wrong')]);
        for (const said of [
          `${damaged!}: Its checksum is wrong. (partition 0)`,
          `${removed!}: A due entry without a stored value (partition 0).`,
          expect.stringMatching(
            new RegExp(`^${forgotten!}: Its next change is at .*, nobody would look then`),
          ),
          expect.stringMatching(new RegExp(`^${late!}: Its next change is at .*, the due entry says `)),
          expect.stringMatching(/^lane 2: The outbox /),
          expect.stringMatching(/^lane 3: The state is at .*: writes were lost/),
        ])
          expect(found).toContainEqual(said);
        // No new claim mends an outbox: that partition stands still instead of claiming for ever.
        const [again] = await scenario.joined('again');
        const said = /[Pp]artition 2 stands still.*The outbox can't be read: .* Nothing was changed/;
        for (let tries = 0; tries < 100 && !said.test(again!.complaints); tries++) await pause(200);
        expect(again!.complaints).toMatch(said);
        expect(await again!.end()).toBe(0);
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
