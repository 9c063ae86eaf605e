/** What was rolled back and what is proven is known after a restart, of each model the newest, in Redis and embedded. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { heldPartitions, occupiedPartitions } from '../../processors/state/redis';
import type { ModelMemory, Rollback } from '../../processors/swap';
import { openEmbedded } from '../../streams/embedded';
import type { Embedded } from '../../streams/embedded';
import { systemClock } from '../clock';
import { memoryInRedis, memoryInState } from './model-memory';

const folder = mkdtempSync(join(tmpdir(), 'rescore-rollbacks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rollback = (model: string, version: string, sequence: number): Rollback => ({
  model,
  version,
  sequence,
  previous: 'v1',
  words: 'output: row 0 gave NaN',
});

async function keeps(open: () => ModelMemory | Promise<ModelMemory>): Promise<void> {
  const memory = await open();
  expect(await memory.recall()).toEqual({ rollbacks: [], proven: new Map() });
  await memory.rememberRollback(rollback('churn', 'v2', 2));
  await memory.rememberRollback(rollback('ltv', 'v2', 5));
  await memory.rememberRollback(rollback('churn', 'v3', 3));
  await memory.rememberProven('churn', 'v2');
  await memory.rememberProven('engagement', 'v1');
  await memory.rememberProven('churn', 'v1');
  const { rollbacks, proven } = await (await open()).recall();
  expect([...rollbacks].sort((a, b) => (a.model < b.model ? -1 : 1))).toEqual([
    rollback('churn', 'v3', 3),
    rollback('ltv', 'v2', 5),
  ]);
  expect(Object.fromEntries(proven)).toEqual({ churn: 'v1', engagement: 'v1' });
}

test('in an embedded state', async () => {
  const directory = join(folder, 'state');
  let state: Embedded | null = null;
  await keeps(async () => {
    await state?.close();
    state = openEmbedded({ directory, partitions: 1 });
    return memoryInState(state);
  });
  await (state as unknown as Embedded).close();
});

const hasServer = spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;
if (!hasServer)
  process.stderr.write(
    '\n!!! SKIPPED: rollbacks in Redis need redis-server (scripts/ci-servers.sh installs it).\n\n',
  );

(hasServer ? describe : describe.skip)('in Redis', () => {
  const socket = join(folder, 'redis.sock');
  let server: ChildProcess;
  let redis: Redis;
  beforeAll(async () => {
    server = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', ''], {
      stdio: 'ignore',
    });
    redis = new Redis({ path: socket, retryStrategy: () => 20, lazyConnect: true });
    redis.on('error', () => undefined);
    while (redis.status !== 'ready') {
      await redis.connect().catch(() => undefined);
      await systemClock.sleep(20);
    }
  }, 30_000);
  afterAll(async () => {
    redis.disconnect();
    const ended = new Promise(done => server.on('close', done));
    server.kill('SIGKILL');
    await ended;
  });

  test('for all processors of an application; no partition is taken for it', async () => {
    await keeps(() => memoryInRedis(redis, 'shop'));
    expect((await memoryInRedis(redis, 'other').recall()).proven.size).toBe(0);
    expect([await heldPartitions(redis, 'shop'), await occupiedPartitions(redis, 'shop')]).toEqual([[], []]);
  });

  test('what somebody damaged is forgotten, and the rest is not', async () => {
    await redis.hset('{shop:models}:rollbacks', 'churn', '{', 'engagement', '{"model":"engagement"}');
    expect((await memoryInRedis(redis, 'shop').recall()).rollbacks).toEqual([rollback('ltv', 'v2', 5)]);
  });
});
