/**
 * The HTTP side of a live rescore: trackers write in the Segment shape, readers ask for scores, streams and health.
 * Nothing of a payload is ever logged.
 */
import { gunzipSync } from 'node:zlib';
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Registry } from 'prom-client';
import type { Clock } from '../../processors/ports';
import { isBot } from './bots';
import { HttpError } from './errors';
import { basicUser, bearerToken, isKnownKey } from './keys';
import type { CollectorMetrics } from './metrics';
import { messageOf, messagesOf } from './reception';
import type { Reception } from './reception';
import type { CollectorSettings } from './settings';
import type { MessageStream } from './stream';

export interface CollectorPorts {
  reception: Reception;
  stream: MessageStream;
  clock: Clock;
  metrics: CollectorMetrics;
  registry: Registry;
  /** Events that are in the log and no lane has read yet. */
  pending: () => number;
  scoreOf: (customerId: string) => Promise<object | null>;
  /** Null: ready; else why not. */
  unready: () => string | null;
}

const CALLS = ['track', 'page', 'screen', 'identify', 'alias', 'group'] as const;
const RETRY_AFTER_SECONDS = 5;
const CORS_SECONDS = 86_400;

type Json = Record<string, unknown>;

/** Listens after `listen`; `close` answers what is under way first. */
export function createCollector(settings: CollectorSettings, ports: CollectorPorts): FastifyInstance {
  // A body that is too large is refused by its length before it is read; gzip is measured again when it is open.
  const server = fastify({ bodyLimit: settings.maxBodyBytes, logger: false, forceCloseConnections: true });
  server.removeAllContentTypeParsers();
  // Beacons of browsers come as text/plain, whatever they hold.
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, parseBody(request, body as Buffer, settings.maxBodyBytes));
    } catch (error) {
      done(error as Error);
    }
  });
  server.setErrorHandler((error, _request, reply) => answerError(error as Error, reply, ports.metrics));
  server.setNotFoundHandler((request, reply) =>
    answerError(
      new HttpError('unknown-route', `There is no ${request.method} ${request.url.split('?')[0]}.`),
      reply,
      ports.metrics,
    ),
  );
  addCors(server, settings);
  addWriting(server, settings, ports);
  addReading(server, settings, ports);
  addHealth(server, ports);
  return server;
}

function parseBody(request: FastifyRequest, body: Buffer, maxBytes: number): unknown {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  const plain = encoding === 'identity' ? body : unzip(encoding, body, maxBytes);
  try {
    return JSON.parse(plain.toString('utf8'));
  } catch {
    throw new HttpError('malformed-json', 'The body is not JSON.');
  }
}

function unzip(encoding: string, body: Buffer, maxBytes: number): Buffer {
  if (encoding !== 'gzip') throw new HttpError('malformed-encoding', `Content-Encoding is ${encoding}.`);
  try {
    return gunzipSync(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new HttpError('body-too-large', `The body opens to more than ${maxBytes} bytes.`);
    throw new HttpError('malformed-encoding', 'The body is not gzip, although Content-Encoding says so.');
  }
}

function answerError(
  error: Error & { code?: string; statusCode?: number },
  reply: FastifyReply,
  metrics: CollectorMetrics,
): FastifyReply {
  const known = asHttpError(error);
  metrics.refused.inc({ code: known.code });
  if (known.status === 503) void reply.header('retry-after', RETRY_AFTER_SECONDS);
  if (known.status === 401) void reply.header('www-authenticate', 'Basic realm="rescore"');
  return reply.status(known.status).send({ success: false, code: known.code, message: known.message });
}

function asHttpError(error: Error & { code?: string; statusCode?: number }): HttpError {
  if (error instanceof HttpError) return error;
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new HttpError('body-too-large', 'The body is too large.');
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new HttpError('malformed-json', error.message);
  return new HttpError('not-stored', `The request failed: ${error.message}.`);
}

function addCors(server: FastifyInstance, { origins }: CollectorSettings): void {
  server.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    if (origin === undefined || !(origins.includes('*') || origins.includes(origin))) return;
    void reply
      .header('access-control-allow-origin', origins.includes('*') ? '*' : origin)
      .header('vary', 'origin');
    if (request.method !== 'OPTIONS') return;
    await reply
      .header('access-control-allow-methods', 'POST, GET, OPTIONS')
      .header('access-control-allow-headers', 'content-type, authorization, content-encoding')
      .header('access-control-max-age', CORS_SECONDS)
      .status(204)
      .send();
  });
}

function addWriting(server: FastifyInstance, settings: CollectorSettings, ports: CollectorPorts): void {
  for (const type of CALLS)
    server.post(`/v1/${type}`, (request, reply) =>
      receive(request, reply, [messageOf(request.body, type)], true, settings, ports),
    );
  server.post('/v1/batch', (request, reply) =>
    receive(request, reply, messagesOf(request.body), false, settings, ports),
  );
}

async function receive(
  request: FastifyRequest,
  reply: FastifyReply,
  messages: readonly unknown[],
  isSingle: boolean,
  settings: CollectorSettings,
  ports: CollectorPorts,
): Promise<FastifyReply> {
  const { metrics, clock, reception } = ports;
  checkWriteKey(request, settings);
  if (isBot(request.headers['user-agent'])) {
    metrics.events.inc({ outcome: 'bot' }, messages.length);
    return reply.send({ success: true });
  }
  const pending = ports.pending();
  if (pending > settings.maxPending)
    throw new HttpError(
      'overloaded',
      `${pending} events wait to be read, at most ${settings.maxPending} may.`,
    );
  const { accepted, ignored, derivedIds, rejected } = await reception.take(messages, clock.now());
  metrics.events.inc({ outcome: 'accepted' }, accepted);
  metrics.events.inc({ outcome: 'ignored' }, ignored);
  metrics.events.inc({ outcome: 'rejected' }, rejected.length);
  metrics.derivedIds.inc(derivedIds);
  const [first] = rejected;
  if (!isSingle) return reply.send({ success: true, accepted, rejected });
  if (first === undefined) return reply.send({ success: true });
  return reply.status(400).send({ success: false, code: first.code, message: first.message });
}

function checkWriteKey({ headers, body }: FastifyRequest, { writeKeys }: CollectorSettings): void {
  if (writeKeys.length === 0) return;
  const inBody = (body as Json | null)?.['writeKey'];
  const given = basicUser(headers.authorization) ?? (typeof inBody === 'string' ? inBody : null);
  if (given === null) throw new HttpError('write-key', 'The write key is missing.');
  if (!isKnownKey(given, writeKeys)) throw new HttpError('write-key', 'The write key is not known.');
}

function checkReadKey({ headers }: FastifyRequest, { readKey }: CollectorSettings): void {
  if (readKey === null) throw new HttpError('reading-closed', 'Reading is closed.');
  const given = bearerToken(headers.authorization) ?? basicUser(headers.authorization);
  if (given === null || !isKnownKey(given, [readKey]))
    throw new HttpError('read-key', `The read key is ${given === null ? 'missing' : 'not known'}.`);
}

function addReading(server: FastifyInstance, settings: CollectorSettings, ports: CollectorPorts): void {
  server.get<{ Params: { customer: string } }>('/scores/:customer', async (request, reply) => {
    checkReadKey(request, settings);
    const { customer } = request.params;
    const score = await ports.scoreOf(customer);
    if (score === null)
      throw new HttpError(
        'unknown-customer',
        `There is no score of ${JSON.stringify(customer.slice(0, 128))}.`,
      );
    return reply.header('cache-control', 'no-store').send(score);
  });
  server.get<{ Querystring: { customer?: string; kind?: string } }>('/stream', async (request, reply) => {
    checkReadKey(request, settings);
    const { customer = null, kind = null } = request.query;
    const after = Number(request.headers['last-event-id'] ?? NaN);
    reply.hijack();
    // Without the id nothing from before is sent: the reader asked for what is new.
    ports.stream.open(reply.raw, { customer, kind }, Number.isNaN(after) ? Infinity : after);
    return reply;
  });
}

function addHealth(server: FastifyInstance, { unready, registry }: CollectorPorts): void {
  server.get('/healthz', () => ({ status: 'alive' }));
  server.get('/readyz', async (_request, reply) => {
    const why = unready();
    return reply
      .status(why === null ? 200 : 503)
      .send(why === null ? { status: 'ready' } : { status: 'not ready', why });
  });
  server.get('/metrics', async (_request, reply) =>
    reply.header('content-type', registry.contentType).send(await registry.metrics()),
  );
}
