/** Redis is emptied: the state comes back from the archive, byte for byte, and the processors go on. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { runCli } from '../../cli/testing/captured-io';
import { RedisStateStore } from '../../processors/state/redis';
import { SimulatedScorer } from '../../processors/sim/scorer';
import { describeWithServers, withServers } from '../testing/describe';
import { Scenario, pause } from './scenario';

const AS_OF = '2026-06-01T00:00:00Z';
/** The formulas of the tests' processors. */
const openScorer = () =>
  Promise.resolve(Object.assign(new SimulatedScorer(), { release: () => Promise.resolve() }));
/** Gives up after so many batches, and with it whatever asked it. */
const openFailingScorer = async (batches: number) => {
  const scorer = await openScorer();
  const sound = scorer.scoreBatch.bind(scorer);
  let left = batches;
  scorer.scoreBatch = (...rows) =>
    left-- > 0 ? sound(...rows) : Promise.reject(new Error('The scorer has given up.'));
  return scorer;
};

describeWithServers('a state from the archive', () => {
  const servers = withServers();
  const directory = mkdtempSync(join(tmpdir(), 'rescore-rebuild-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  interface Run {
    scenario: Scenario;
    redis: Redis;
    archive: string;
    json: <T>(line: string) => Promise<T>;
    fails: (line: string, open?: () => ReturnType<typeof openScorer>) => Promise<string>;
    digest: () => Promise<unknown>;
    refusesToStart: () => Promise<void>;
  }

  async function withRun(seed: number, work: (run: Run) => Promise<void>): Promise<void> {
    const scenario = await Scenario.open({ ...servers(), seed, losesWrites: true });
    const [host, port] = servers().redis.split(':');
    const redis = new Redis({ host: host!, port: Number(port) });
    const archive = join(directory, scenario.id);
    const env = {
      RESCORE_KAFKA_BROKERS: servers().brokers.join(','),
      RESCORE_KAFKA_APPLICATION: scenario.id,
      RESCORE_KAFKA_TOPIC_PREFIX: scenario.prefix,
      RESCORE_REDIS_ADDRESSES: servers().redis,
      RESCORE_REGISTRY_URL: '',
      RESCORE_ARCHIVE_LOCATION: archive,
      RESCORE_ARCHIVE_FILE_OFFSETS: '100',
      // So small that a rebuild can be stopped in the middle of a partition.
      RESCORE_LANE_BATCH_RECORDS: '200',
    };
    const run = (line: string, open = openScorer) =>
      runCli(['--json', ...line.split(' ')], { cwd: directory, env, openScorer: open });
    const json = async <T>(line: string): Promise<T> => {
      const { code, stdout, stderr } = await run(line);
      expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' });
      return JSON.parse(stdout) as T;
    };
    const fails: Run['fails'] = async (line, open) => {
      const { code, stderr } = await run(line, open);
      expect({ line, code }).toEqual({ line, code: 1 });
      return stderr;
    };
    const digest = () => json(`state digest --redis --as-of ${AS_OF}`);
    const refusesToStart = async (): Promise<void> => {
      const refused = scenario.processor('refused');
      refused.start();
      await refused.hears('never said', 20_000);
      expect(refused.complaints).toMatch(/but the state is empty/);
      expect(await refused.end()).toBe(1);
    };
    try {
      await work({ scenario, redis, archive, json, fails, digest, refusesToStart });
    } finally {
      redis.disconnect();
      await scenario.close();
    }
  }

  async function worked(scenario: Scenario, name: string, inputs: number): Promise<void> {
    const processor = scenario.processor(name);
    processor.start();
    if (!(await processor.hears('joined'))) throw new Error(processor.complaints);
    await scenario.someTraffic(inputs);
    await scenario.rest();
    expect(await processor.end()).toBe(0);
  }

  async function outboxesAreEmpty({ scenario, redis }: Run): Promise<void> {
    const store = new RedisStateStore(redis, scenario.id);
    for (let partition = 0; partition < scenario.partitions; partition++) {
      const { outbox } = await store.claim(partition);
      expect(outbox).toMatchObject({ mail: [], messages: [] });
    }
  }

  test(
    'everything was archived, and more than was published: equal, and the rest is published',
    () =>
      withRun(30, async run => {
        const { scenario, redis, json, fails, digest, archive } = run;
        await worked(scenario, 'first', 2_000);
        // Nobody works on these: the archive is ahead of the group.
        await scenario.someTraffic(600);
        expect((await json<{ files: number }>('archive run --once --tail')).files).toBeGreaterThan(20);
        expect((await json<{ files: number }>('archive run --once --tail')).files).toBe(0);
        expect(await json('archive verify')).toMatchObject({ problems: [], strays: [] });
        expect(readdirSync(archive)).toContain('customer-mail');
        const before = await digest();
        expect(await fails('state rebuild')).toMatch(
          /Redis holds a state of .* customer\(s\) in 4 partition/,
        );

        await redis.flushall();
        await run.refusesToStart();
        expect(await fails('state rebuild', () => openFailingScorer(5))).toContain('given up');
        expect(await digest()).not.toEqual(before);
        expect(await fails('state rebuild')).toContain('goes on with --again');
        await json('state rebuild --again');
        expect(await digest()).toEqual(before);
        await outboxesAreEmpty(run);

        await worked(scenario, 'second', 1_200);
        expect(await fails('state rebuild --again')).toContain('holds a state that no rebuild has begun');
        const verdict = await scenario.verdict();
        expect(verdict.violations).toEqual([]);
        expect(verdict.inputs).toBeGreaterThanOrEqual(scenario.sent);
      }),
    240_000,
  );

  test(
    'the archive is behind what was published: the rest comes from Kafka, in silence',
    () =>
      withRun(31, async ({ scenario, redis, json, fails, digest }) => {
        const processor = scenario.processor('first');
        processor.start();
        if (!(await processor.hears('joined'))) throw new Error(processor.complaints);
        await scenario.someTraffic(1_200);
        await json('archive run --once --tail');
        await scenario.someTraffic(800);
        await scenario.rest();
        expect(await fails('state rebuild')).toMatch(/Redis holds a state/);
        expect(await processor.end()).toBe(0);
        const before = await digest();

        await redis.flushall();
        await json('state rebuild');
        expect(await digest()).not.toEqual(before);
        const again = scenario.processor('second');
        again.start();
        expect(await again.hears('joined')).toBe(true);
        await scenario.rest();
        const recovered = async (): Promise<boolean> =>
          JSON.stringify(await digest()) === JSON.stringify(before);
        for (let tries = 0; tries < 100 && !(await recovered()); tries++) await pause(200);
        expect(await digest()).toEqual(before);

        await scenario.someTraffic(800);
        await scenario.rest();
        expect((await scenario.verdict()).violations).toEqual([]);
      }),
    240_000,
  );
});
