/** The contract of every state store over Redis Cluster and behind Sentinel, with real servers. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { batchAfter, describeStateStore, firstClaim, positionsAt } from '../state-store.contract';
import { RedisStateStore, checkRedis, connectRedis, heldPartitions } from '.';
import type { RedisConnection } from '.';

const hasServer = spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;
if (!hasServer)
  process.stderr.write(
    '\n!!! SKIPPED: Redis Cluster and Sentinel need redis-server (scripts/ci-servers.sh installs it).\n\n',
  );

const folder = mkdtempSync(path.join(tmpdir(), 'rescore-topologies-'));
const started: ChildProcess[] = [];
const connections: RedisConnection[] = [];
let stores = 0;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise(done => server.close(done));
  return port;
}

function start(port: number, ...argv: string[]): void {
  const own = path.join(folder, String(port));
  spawnSync('mkdir', ['-p', own]);
  const config = path.join(own, 'redis.conf');
  writeFileSync(config, `port ${port}\nbind 127.0.0.1\ndir ${own}\nsave ""\nappendonly yes\n`);
  started.push(spawn('redis-server', [config, ...argv], { stdio: 'ignore' }));
}

function ask(port: number, ...argv: string[]): string {
  return spawnSync('redis-cli', ['-p', String(port), ...argv], { encoding: 'utf8' }).stdout;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (holds()) return;
    await delay(100);
  }
  throw new Error(`It never came true: ${what}.`);
}

const answers = (port: number): Promise<void> =>
  until(`${port} answers`, () => ask(port, 'PING').includes('PONG'));

/** The servers' user in docs/cluster.md, then that of the Sentinels. */
function documentedRights(nth: 0 | 1): string[] {
  const page = readFileSync(path.join(__dirname, '../../../docs/cluster.md'), 'utf8');
  return [...page.matchAll(/^ACL SETUSER (.+)$/gm)][nth]![1]!.split(' ');
}

async function connected(connection: RedisConnection): Promise<RedisConnection> {
  connection.on('error', () => undefined);
  connections.push(connection);
  await connection.connect();
  return connection;
}

(hasServer ? describe : describe.skip)('topologies', () => {
  afterAll(async () => {
    for (const connection of connections) connection.disconnect();
    const ended = started.map(server => new Promise(done => server.on('close', done)));
    for (const server of started) server.kill('SIGKILL');
    await Promise.all(ended);
    rmSync(folder, { recursive: true, force: true });
  });

  describe('a cluster of three', () => {
    let redis: RedisConnection;
    let ports: number[];
    beforeAll(async () => {
      ports = [await freePort(), await freePort(), await freePort()];
      for (const port of ports)
        start(port, '--cluster-enabled', 'yes', '--cluster-port', String(await freePort()));
      for (const port of ports) await answers(port);
      const nodes = ports.map(port => `127.0.0.1:${port}`);
      spawnSync('redis-cli', ['--cluster', 'create', ...nodes, '--cluster-yes'], { stdio: 'ignore' });
      await until('the cluster is whole', () =>
        ports.every(port => ask(port, 'CLUSTER', 'INFO').includes('cluster_state:ok')),
      );
      redis = await connected(connectRedis({ addresses: nodes.slice(0, 1), kind: 'cluster' }));
    }, 60_000);

    describeStateStore('Redis Cluster', () =>
      Promise.resolve({
        store: new RedisStateStore(redis, `test-${++stores}`),
        close: () => Promise.resolve(),
      }),
    );

    test('the rights that docs/cluster.md gives are enough', async () => {
      for (const port of ports) ask(port, 'ACL', 'SETUSER', ...documentedRights(0));
      const user = connectRedis({
        addresses: [`127.0.0.1:${ports[0]}`],
        kind: 'cluster',
        username: 'rescore',
        password: 'secret',
      });
      await connected(user);
      expect(await checkRedis(user)).toEqual([]);
      const store = new RedisStateStore(user, 'rescore');
      for (let partition = 0; partition < 6; partition++)
        await store.initialise(await store.claim(partition), positionsAt(0));
      expect(await heldPartitions(user, 'rescore')).toEqual([0, 1, 2, 3, 4, 5]);
    });

    test('partitions lie on all nodes, and are found on all of them', async () => {
      const store = new RedisStateStore(redis, 'spread');
      for (let partition = 0; partition < 16; partition++)
        await store.initialise(await store.claim(partition), positionsAt(0));
      expect(await heldPartitions(redis, 'spread')).toEqual(Array.from({ length: 16 }, (_, at) => at));
      expect(await checkRedis(redis)).toEqual([]);
    });
  });

  describe('behind Sentinel', () => {
    let redis: RedisConnection;
    let sentinel: number;
    let primary: number;
    beforeAll(async () => {
      const replica = await freePort();
      [primary, sentinel] = [await freePort(), await freePort()];
      start(primary);
      await answers(primary);
      start(replica, '--replicaof', '127.0.0.1', String(primary));
      const watch = `monitor mymaster 127.0.0.1 ${primary} 1`.split(' ');
      start(sentinel, '--sentinel', '--appendonly', 'no');
      await answers(sentinel);
      ask(sentinel, 'SENTINEL', ...watch);
      await until('Sentinel knows the replica', () =>
        ask(sentinel, 'SENTINEL', 'REPLICAS', 'mymaster').includes(String(replica)),
      );
      redis = await connected(
        connectRedis({ addresses: [`127.0.0.1:${sentinel}`], kind: 'sentinel', masterName: 'mymaster' }),
      );
    }, 60_000);

    describeStateStore('Redis behind Sentinel', () =>
      Promise.resolve({
        store: new RedisStateStore(redis, `test-${++stores}`),
        close: () => Promise.resolve(),
      }),
    );

    test('Sentinels with a user of their own are asked under its name, with the rights of docs/cluster.md', async () => {
      const guarded = await freePort();
      start(guarded, '--sentinel', '--appendonly', 'no');
      await answers(guarded);
      ask(guarded, 'SENTINEL', 'monitor', 'mymaster', '127.0.0.1', String(primary), '1');
      ask(guarded, 'ACL', 'SETUSER', ...documentedRights(1));
      ask(guarded, 'ACL', 'SETUSER', 'default', 'off');
      const settings = {
        addresses: [`127.0.0.1:${guarded}`],
        kind: 'sentinel' as const,
        masterName: 'mymaster',
      };
      const user = { sentinelUsername: 'rescore', sentinelPassword: 'secret' };
      expect(await (await connected(connectRedis({ ...settings, ...user }))).ping()).toBe('PONG');
      const nobody = connectRedis(settings);
      const refused = new Promise<string>(resolve =>
        nobody.on('error', (error: Error) => resolve(error.message)),
      );
      nobody.connect().catch(() => undefined);
      expect(await refused).toMatch(/unreachable/);
      nobody.disconnect();
    }, 60_000);

    test('goes on with the replica after a failover, with all that it had', async () => {
      const claim = await firstClaim(new RedisStateStore(redis, 'moved'));
      const store = new RedisStateStore(redis, 'moved');
      await store.commit(claim, batchAfter(claim, 1, { kim: { value: 'facts', wake: 5 } }));
      await until('the replica has it', () => ask(primary, 'WAIT', '1', '1000').trim() === '1');
      ask(sentinel, 'SENTINEL', 'FAILOVER', 'mymaster');
      await until(
        'another server leads',
        () => !ask(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster').includes(String(primary)),
      );
      const claimed = async (): Promise<unknown> => {
        for (let tries = 0; ; tries++)
          try {
            return await store.claim(0);
          } catch (error) {
            if (tries === 100) throw error;
            await delay(100);
          }
      };
      expect(await claimed()).toMatchObject({ batchNumber: 1, positions: positionsAt(1) });
    }, 60_000);
  });
});
