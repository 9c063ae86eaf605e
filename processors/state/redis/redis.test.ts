/** The contract of every state store, and what only Redis can do wrong, against a real server. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { NEVER } from '../../../schemas';
import { batchAfter, describeStateStore, firstClaim, positionsAt } from '../state-store.contract';
import {
  RedisMemberMemory,
  RedisStateStore,
  checkRedis,
  connectRedis,
  heldPartitions,
  occupiedPartitions,
  parseAddress,
} from '.';

const hasServer = spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;
if (!hasServer)
  process.stderr.write(
    '\n!!! SKIPPED: the Redis tests need redis-server (scripts/ci-servers.sh installs it).\n\n',
  );

const folder = mkdtempSync(path.join(tmpdir(), 'rescore-redis-'));
const socket = path.join(folder, 'redis.sock');
let server: ChildProcess | null = null;
let redis: Redis;
let stores = 0;

async function startServer(...more: string[]): Promise<void> {
  const argv = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', ...more];
  server = spawn('redis-server', argv, { stdio: 'ignore' });
  redis = new Redis({ path: socket, retryStrategy: () => 20, maxRetriesPerRequest: 0, lazyConnect: true });
  redis.on('error', () => undefined);
  for (;;) {
    try {
      await redis.connect();
      return;
    } catch {
      redis.disconnect();
    }
  }
}

async function stopServer(signal: NodeJS.Signals): Promise<void> {
  redis.disconnect();
  await new Promise<void>(done => {
    server!.on('close', () => done());
    server!.kill(signal);
  });
}

(hasServer ? describe : describe.skip)('with a real server', () => {
  beforeAll(() => startServer('--appendonly', 'yes', '--appendfsync', 'always'));
  afterAll(async () => {
    await stopServer('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });

  describeStateStore('Redis', () =>
    Promise.resolve({
      store: new RedisStateStore(redis, `test-${++stores}`),
      close: () => Promise.resolve(),
    }),
  );

  test('a batch of thousands of customers is one commit', async () => {
    const store = new RedisStateStore(redis, 'large');
    const claim = await firstClaim(store);
    const changes = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, at) => [`customer-${at}`, { value: `value ${at}`, wake: at }]),
    );
    expect(await store.commit(claim, batchAfter(claim, 1, changes))).toBe('applied');
    const ids = Object.keys(changes);
    const values = await store.load(claim, ids);
    expect(values.map(value => Buffer.from(value!).toString())).toEqual(ids.map((_, at) => `value ${at}`));
    expect(await store.due(0, NEVER, 10_000)).toHaveLength(5_000);
  });

  test('the outbox comes back whole with the next claim: bodies, tombstones, mail', async () => {
    const store = new RedisStateStore(redis, 'outbox');
    const claim = await firstClaim(store);
    const batch = batchAfter(claim, 1, {});
    const outbox = {
      ...batch.outbox,
      mail: [{ to: 'lee', partition: 1, recordAt: 7, value: Uint8Array.from([0, 255, 10]) }],
      messages: [
        {
          topic: 'sessions' as const,
          key: 'kim',
          id: 'a',
          value: Uint8Array.from([]),
          headers: { ce_id: 'a' },
        },
        { topic: 'engagement-scores' as const, key: 'kim', id: 'b', value: null, headers: {} },
      ],
    };
    await store.commit(claim, { ...batch, outbox });
    const held = (await store.claim(0)).outbox!;
    const plain = (bytes: Uint8Array | null): number[] | null => bytes && Array.from(bytes);
    expect(held.mail.map(mail => ({ ...mail, value: plain(mail.value) }))).toEqual([
      { to: 'lee', partition: 1, recordAt: 7, value: [0, 255, 10] },
    ]);
    expect(held.messages.map(({ id, value }) => [id, plain(value)])).toEqual([
      ['a', []],
      ['b', null],
    ]);
    expect(held).toMatchObject({ batchNumber: 1, epoch: claim.epoch, to: positionsAt(1) });
  });

  test('what was committed survives a kill of the server', async () => {
    const store = new RedisStateStore(redis, 'killed');
    const claim = await firstClaim(store);
    await store.commit(claim, batchAfter(claim, 1, { kim: { value: 'facts', wake: 5 } }));
    await stopServer('SIGKILL');
    await startServer('--appendonly', 'yes');
    const again = await new RedisStateStore(redis, 'killed').claim(0);
    expect(again).toMatchObject({ epoch: claim.epoch + 1, batchNumber: 1, positions: positionsAt(1) });
  });

  test('the rights that docs/cluster.md gives are enough, and reach no other key', async () => {
    const page = readFileSync(path.join(__dirname, '../../../docs/cluster.md'), 'utf8');
    const [, rights] = /^ACL SETUSER (.+)$/m.exec(page)!;
    await redis.call('ACL', 'SETUSER', ...rights!.split(' '));
    const user = new Redis({ path: socket, username: 'rescore', password: 'secret' });
    try {
      expect(await checkRedis(user)).toEqual([]);
      const store = new RedisStateStore(user, 'rescore');
      const claim = await firstClaim(store);
      await store.commit(claim, batchAfter(claim, 1, { kim: { value: 'facts', wake: 5 } }));
      expect(await store.due(0, NEVER, 10)).toHaveLength(1);
      expect(await store.scan(0, 10)).toHaveLength(1);
      expect(await store.positionsOf(claim)).toEqual(positionsAt(1));
      expect(await heldPartitions(user, 'rescore')).toEqual([0]);
      expect(await occupiedPartitions(user, 'rescore')).toHaveLength(1);
      const members = new RedisMemberMemory(user, 'rescore');
      await members.remember('one', 'member');
      expect(await members.recall('one')).toBe('member');
      await expect(new RedisStateStore(user, 'other').claim(0)).rejects.toThrow(/NOPERM|No permissions/);
    } finally {
      user.disconnect();
    }
  });

  test('the start-up check needs no CONFIG; where INFO is refused as well it says what to see to', async () => {
    await stopServer('SIGTERM');
    await startServer('--appendonly', 'yes', '--rename-command', 'CONFIG', '');
    await expect(redis.config('GET', 'maxmemory-policy')).rejects.toThrow('unknown command');
    expect(await checkRedis(redis)).toEqual([]);
    await redis.call('ACL', 'SETUSER', 'blind', 'on', '>secret', '~*', '+@all', '-info');
    const blind = new Redis({ path: socket, username: 'blind', password: 'secret', enableReadyCheck: false });
    expect(await checkRedis(blind)).toEqual([
      { level: 'warning', message: expect.stringMatching(/maxmemory-policy noeviction and appendonly yes/) },
    ]);
    blind.disconnect();
    await stopServer('SIGTERM');
    await startServer(
      '--appendonly',
      'no',
      '--rename-command',
      'CONFIG',
      '',
      '--maxmemory-policy',
      'volatile-lru',
    );
    expect((await checkRedis(redis)).map(({ level }) => level)).toEqual(['error', 'warning']);
    await stopServer('SIGTERM');
    await startServer('--appendonly', 'yes');
  });

  test('the start-up check names what is wrong', async () => {
    expect(await checkRedis(redis)).toEqual([]);
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await redis.config('SET', 'appendonly', 'no');
    expect((await checkRedis(redis)).map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'error: maxmemory-policy is allkeys-lru: Redis would throw customers away. Set it to noeviction.',
      'warning: appendonly is off: a restart of Redis loses facts, and the lanes must recover. Set it to yes.',
    ]);
  });
});

test('addresses are host and port', () => {
  expect(parseAddress('redis.example:6379')).toEqual({ host: 'redis.example', port: 6_379 });
  expect(parseAddress('[::1]:6380')).toEqual({ host: '::1', port: 6_380 });
  expect(() => parseAddress('redis.example')).toThrow(
    'redis.example is not an address such as redis.example:6379.',
  );
});

test('a connection sends nothing by itself before it is asked to', () => {
  const connection = connectRedis({ addresses: ['127.0.0.1:1'], kind: 'single' });
  expect(connection.status).toBe('wait');
  connection.disconnect();
});
