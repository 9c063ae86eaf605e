/** Redis over TLS: an authority of one's own is believed, an unknown one is not, and nothing falls back to plain text. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectRedis } from '.';
import type { RedisConnection, RedisSettings } from '.';

const can = (program: string, ...argv: string[]): boolean =>
  spawnSync(program, argv, { stdio: 'ignore' }).status === 0;
const hasServers = can('redis-server', '--version') && can('openssl', 'version');
if (!hasServers)
  process.stderr.write(
    '\n!!! SKIPPED: Redis over TLS needs redis-server and openssl (scripts/ci-servers.sh installs them).\n\n',
  );

const folder = mkdtempSync(path.join(tmpdir(), 'rescore-tls-'));
const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'certificate.pem')];
const started: ChildProcess[] = [];
const connections: RedisConnection[] = [];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise(done => server.on('listening', done));
  const { port } = server.address() as AddressInfo;
  await new Promise(done => server.close(done));
  return port;
}

const ask = (port: number, ...argv: string[]): string =>
  spawnSync('redis-cli', ['--tls', '--cacert', certificate, '-p', String(port), ...argv], {
    encoding: 'utf8',
  }).stdout;

/** A server that takes TLS and nothing else. */
async function start(...argv: string[]): Promise<number> {
  const port = await freePort();
  const config = path.join(folder, `${port}.conf`);
  const lines = [
    'port 0',
    `tls-port ${port}`,
    `tls-cert-file ${certificate}`,
    `tls-key-file ${key}`,
    `tls-ca-cert-file ${certificate}`,
    'tls-auth-clients no',
    'tls-replication yes',
    'bind 127.0.0.1',
    `dir ${folder}`,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  started.push(spawn('redis-server', [config, ...argv], { stdio: 'ignore' }));
  for (let tries = 0; tries < 300 && !ask(port, 'PING').includes('PONG'); tries++) await delay(100);
  return port;
}

async function answerOf(settings: Partial<RedisSettings> & { addresses: string[] }): Promise<string> {
  const redis = connectRedis({ kind: 'single', tls: true, ...settings });
  connections.push(redis);
  const failed = new Promise<string>(resolve => redis.on('error', (error: Error) => resolve(error.message)));
  const said = redis.connect().then(() => redis.ping());
  said.catch(() => undefined);
  return Promise.race([said, failed]);
}

(hasServers ? describe : describe.skip)('Redis over TLS', () => {
  let port: number;
  let tlsCa: string;
  beforeAll(async () => {
    // prettier-ignore
    spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=rescore',
      '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate], { stdio: 'ignore' });
    tlsCa = readFileSync(certificate, 'utf8');
    port = await start();
  }, 60_000);
  afterAll(async () => {
    for (const connection of connections) connection.disconnect();
    const ended = started.map(server => new Promise(done => server.on('close', done)));
    for (const server of started) server.kill('SIGKILL');
    await Promise.all(ended);
    rmSync(folder, { recursive: true, force: true });
  });

  test('an authority of our own is believed', async () =>
    expect(await answerOf({ addresses: [`127.0.0.1:${port}`], tlsCa })).toBe('PONG'));

  test('one that nobody named is not', async () =>
    expect(await answerOf({ addresses: [`127.0.0.1:${port}`] })).toMatch(/self-signed certificate/));

  test('behind Sentinel both connections are encrypted', async () => {
    const sentinel = await start('--sentinel');
    ask(sentinel, 'SENTINEL', 'monitor', 'mymaster', '127.0.0.1', String(port), '1');
    const answer = await answerOf({
      addresses: [`127.0.0.1:${sentinel}`],
      kind: 'sentinel',
      masterName: 'mymaster',
      tlsCa,
    });
    expect(answer).toBe('PONG');
  }, 60_000);
});
