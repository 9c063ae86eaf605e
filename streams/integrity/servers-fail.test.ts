/** The servers themselves fail: the broker restarts, Redis stops, refuses writes, and loses what it had written last. */
import { Redis } from 'ioredis';
import { describeWithServers, withOwnServers } from '../testing/describe';
import type { Processor } from './fleet';
import { Scenario, pause } from './scenario';
import type { Verdict } from './verdict';

/** A broker that has just come back may not coordinate groups yet: whoever ends over that is started again. */
async function supervised(processor: Processor): Promise<void> {
  for (let starts = 1; ; starts++) {
    processor.start();
    if (await processor.hears('joined')) return;
    if (starts === 10) throw new Error(processor.complaints);
    await pause(1_000);
  }
}

/** Waits until the unread inputs of all topics together, as /metrics has them, are so many. */
async function lagIs(processor: Processor, isSo: (lag: number) => boolean): Promise<void> {
  let lag = NaN;
  for (let tries = 0; tries < 300 && !isSo(lag); tries++, await pause(100)) {
    const samples = [...(await processor.ask('/metrics')).matchAll(/^rescore_lag_records\{.*\} (\d+)$/gm)];
    lag = samples.length === 0 ? NaN : samples.reduce((sum, [, count]) => sum + Number(count), 0);
  }
  expect([lag, isSo(lag)]).toEqual([lag, true]);
}

describeWithServers('servers that fail', () => {
  const servers = withOwnServers();

  async function underLoad(
    seed: number,
    losesWrites: boolean,
    trouble: (scenario: Scenario) => Promise<void>,
  ): Promise<Verdict> {
    const options = { ...servers(), seed, losesWrites };
    const { verdict, sent } = await Scenario.underTraffic(options, async scenario => {
      const both = await scenario.joined('a', 'b');
      scenario.beginTraffic();
      await scenario.sends(1_600);
      await trouble(scenario);
      await scenario.sends(1_600);
      await scenario.endTraffic();
      // A processor that gave up is started again, as a supervisor would.
      for (const processor of both) if (!processor.isRunning) processor.start();
    });
    expect(verdict.inputs).toBeGreaterThanOrEqual(sent);
    return verdict;
  }

  test('the broker restarts', () => underLoad(6, false, () => servers().kafkaServer.restart()), 240_000);

  test('Redis is killed and comes back with all it had, twice', async () => {
    const { recovered } = await underLoad(7, false, async () => {
      for (let round = 0; round < 2; round++) {
        await servers().redisServer.kill();
        await pause(700);
        await servers().redisServer.start();
        await pause(2_500);
      }
    });
    expect(recovered).toBe(0);
  }, 240_000);

  test(
    'Redis stands still for four seconds',
    () =>
      underLoad(8, false, async () => {
        await servers().redisServer.pause();
        await pause(4_000);
        await servers().redisServer.resume();
      }),
    240_000,
  );

  test('what waits in the log is counted while Redis stands still, and gone from the count when it is read', async () => {
    await Scenario.underTraffic({ ...servers(), seed: 12 }, async scenario => {
      const [processor] = await scenario.joined('a');
      await scenario.someTraffic(800);
      await scenario.rest();
      await lagIs(processor!, lag => lag === 0);
      await servers().redisServer.pause();
      await scenario.someTraffic(800);
      await lagIs(processor!, lag => lag > 300);
      await servers().redisServer.resume();
      await lagIs(processor!, lag => lag === 0);
    });
  }, 240_000);

  test('a processor that no broker answers ends and says where to look; started again it goes on', async () => {
    await Scenario.underTraffic({ ...servers(), seed: 11 }, async scenario => {
      const processor = scenario.processor('a', { SILENCE_MS: '3000' });
      processor.start();
      expect(await processor.hears('joined')).toBe(true);
      await scenario.someTraffic(800);
      await scenario.rest();
      await servers().kafkaServer.pause();
      await processor.hears('never said', 40_000);
      expect([processor.isRunning, await processor.end()]).toEqual([false, 1]);
      expect(processor.complaints).toContain(
        `No broker of kafka.brokers (${servers().brokers.join(', ')}) has answered a fetch for `,
      );
      expect(processor.complaints).toContain('docs/runbook.md, "A processor of a cluster does not score"');
      await servers().kafkaServer.resume();
      await supervised(processor);
      await scenario.someTraffic(800);
    });
  }, 240_000);

  test(
    'Redis refuses writes for want of memory',
    () =>
      underLoad(9, false, async scenario => {
        const [host, port] = servers().redis.split(':');
        const redis = new Redis({ host: host!, port: Number(port) });
        await redis.config('SET', 'maxmemory', '1');
        for (let tries = 0; tries < 200 && !scenario.complaints().includes('OOM'); tries++) await pause(200);
        expect(scenario.complaints()).toContain('OOM');
        await pause(2_000);
        await redis.config('SET', 'maxmemory', '0');
        redis.disconnect();
      }),
    240_000,
  );

  /** Killed, and back without the end of its append-only file. */
  async function loseWrites(scenario: Scenario): Promise<void> {
    await servers().redisServer.kill();
    await pause(500);
    await servers().redisServer.start(20_000 + scenario.random.int(20_000));
  }

  test('Redis is killed three times and loses the tail of its append-only file', async () => {
    const { recovered } = await underLoad(10, true, async scenario => {
      for (let round = 0; round < 3; round++) {
        await loseWrites(scenario);
        await pause(3_000);
      }
    });
    expect(recovered).toBeGreaterThan(0);
  }, 240_000);

  /** With nothing new to read: what is committed or published after a claim is the recovery's. */
  test.each(['claimed:1', 'fenced:1', 'reconciled:1', 'committed:1', 'publishing:1', 'ending:1'])(
    'Redis loses writes, and more of them while the recovery stands at %s',
    async stop => {
      const options = { ...servers(), seed: 17, partitions: 1, losesWrites: true };
      const { verdict } = await Scenario.underTraffic(options, async scenario => {
        const [only] = await scenario.joined('a');
        // Enough that two cuts leave something: an empty state is refused.
        await scenario.someTraffic(1_500);
        await scenario.rest();
        await only!.kill();
        await loseWrites(scenario);
        only!.start({ STOP_AT: stop });
        await only!.reaches(stop);
        await loseWrites(scenario);
        only!.signal('SIGCONT');
        await scenario.someTraffic(300);
      });
      expect(verdict.recovered).toBeGreaterThan(0);
    },
    120_000,
  );
});
