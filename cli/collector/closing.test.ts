/** A collector that stops: what is under way is answered, who hangs is cut off. */
import { connect } from 'node:net';
import { Registry } from 'prom-client';
import type { Clock } from '../../processors/ports';
import { createCollector } from './collector';
import { collectorMetrics } from './metrics';
import type { Received, Reception } from './reception';
import { MessageStream } from './stream';

const SETTINGS = {
  host: '127.0.0.1',
  port: 0,
  writeKeys: ['write-key-1'],
  readKey: null,
  maxBodyBytes: 10_000,
  maxEventBytes: 10_000,
  maxBatchEvents: 10,
  maxPending: 10,
  origins: ['*'],
};

/** Sleeps last until they are ended by hand. */
class HandClock implements Clock {
  readonly sleeps: { ms: number; wake: () => void }[] = [];
  now = (): number => 0;
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      this.sleeps.push({ ms, wake: resolve });
      signal?.addEventListener('abort', () => resolve());
    });
  }
}

/** A reception that answers when the test says so. */
class HeldReception {
  private began!: () => void;
  readonly begun = new Promise<void>(resolve => (this.began = resolve));
  release!: () => void;
  take(): Promise<Received> {
    this.began();
    return new Promise(resolve => {
      this.release = () => resolve({ accepted: 1, ignored: 0, derivedIds: 0, rejected: [] });
    });
  }
}

function open(reception: HeldReception, clock: Clock) {
  const registry = new Registry();
  return createCollector(SETTINGS, {
    reception: reception as unknown as Reception,
    stream: new MessageStream(),
    clock,
    metrics: collectorMetrics(registry),
    registry,
    pending: () => 0,
    scoreOf: () => Promise.resolve(null),
    unready: () => null,
  });
}

const authorization = `Basic ${Buffer.from('write-key-1:').toString('base64')}`;

test('a request under way is answered before the collector is closed', async () => {
  const [reception, clock] = [new HeldReception(), new HandClock()];
  const server = open(reception, clock);
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const headers = { authorization };
  const answer = fetch(`${url}/v1/page`, { method: 'POST', body: '{}', headers });
  await reception.begun;
  const closed = server.close();
  while (clock.sleeps.length === 0) await new Promise<void>(resolve => setImmediate(resolve));
  reception.release();
  const response = await answer;
  expect([response.status, await response.json()]).toEqual([200, { success: true }]);
  await closed;
});

test('a connection that hangs is cut off after a while', async () => {
  const [reception, clock] = [new HeldReception(), new HandClock()];
  const server = open(reception, clock);
  const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined);
  const ended = new Promise<void>(resolve => socket.on('close', () => resolve()));
  const written = new Promise<void>(resolve => server.server.once('connection', () => resolve()));
  // Half a request: its body never comes.
  socket.write(
    `POST /v1/page HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 9\r\n\r\n{`,
  );
  await written;
  await new Promise<void>(resolve => server.server.once('request', () => resolve()));
  const closed = server.close();
  while (clock.sleeps.length === 0) await new Promise<void>(resolve => setImmediate(resolve));
  expect(clock.sleeps[0]!.ms).toBe(5_000);
  clock.sleeps[0]!.wake();
  await Promise.all([closed, ended]);
});

test('a stranger is turned away before the messages are looked at', async () => {
  const server = open(new HeldReception(), new HandClock());
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const body = JSON.stringify({ batch: 'nonsense' });
  const response = await fetch(`${url}/v1/batch`, { method: 'POST', body });
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="rescore"']);
  await server.close();
});
