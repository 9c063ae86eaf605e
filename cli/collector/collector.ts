/**
 * The HTTP side of a live rescore: trackers write in the Segment shape, readers ask for scores, streams and health.
 * Nothing of a payload is ever logged.
 */
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Registry } from 'prom-client';
import type { Clock } from '../../processors/ports';
import { parseBody } from './body';
import { isBot } from './bots';
import { addCors } from './cors';
import { HttpError } from './errors';
import { basicUser, bearerToken, isKnownKey } from './keys';
import { messageOf, messagesOf } from './messages';
import type { Message } from './messages';
import { streamMetrics } from './metrics';
import type { CollectorMetrics } from './metrics';
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

/** Beside each full path its first letter: that is where Segment's tracker for browsers posts. */
const CALLS = ['track', 'page', 'screen', 'identify', 'alias', 'group'] as const;
const RETRY_AFTER_SECONDS = 5;
/** A request that has not come in whole by then is given up. */
const REQUEST_MS = 30_000;
/** What is under way at a stop gets this long. */
const CLOSING_MS = 5_000;
/** Of an id in a path: 128 bytes of text and "anon:" fit. */
const MAX_ID_CHARACTERS = 256;

type Json = Record<string, unknown>;

/** Listens after `listen`; `close` answers what is under way first. */
export function createCollector(settings: CollectorSettings, ports: CollectorPorts): FastifyInstance {
  // A body that is too large is refused by its length before it is read; gzip is measured again when it is open.
  const server = fastify({
    bodyLimit: settings.maxBodyBytes,
    logger: false,
    forceCloseConnections: 'idle',
    requestTimeout: REQUEST_MS,
    routerOptions: { maxParamLength: MAX_ID_CHARACTERS },
    // What the router itself can't read.
    frameworkErrors: (error, request, reply) =>
      void answerError(asPathError(error, request), reply, ports.metrics),
  });
  server.removeAllContentTypeParsers();
  // Beacons of browsers come as text/plain, whatever they hold.
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, parseBody(body as Buffer, request.headers['content-encoding'], settings.maxBodyBytes));
    } catch (error) {
      done(error as Error);
    }
  });
  server.setErrorHandler((error, _request, reply) => answerError(error as Error, reply, ports.metrics));
  server.setNotFoundHandler((request, reply) => answerError(unknownRoute(request), reply, ports.metrics));
  streamMetrics(ports.registry, ports.stream.metrics);
  addClosing(server, ports.clock);
  addCors(server, settings.origins);
  addWriting(server, settings, ports);
  addReading(server, settings, ports);
  addHealth(server, ports);
  return server;
}

const unknownRoute = ({ method, url }: FastifyRequest): HttpError =>
  new HttpError('unknown-route', `There is no ${method} ${url.split('?')[0]!.slice(0, MAX_ID_CHARACTERS)}.`);

const asPathError = (error: { code?: string }, request: FastifyRequest): HttpError =>
  error.code === 'FST_ERR_MAX_PARAM_LENGTH'
    ? new HttpError('unknown-customer', 'No customer id is that long.')
    : unknownRoute(request);

/** Connections that were kept alive end with their next answer; who has none after a while is cut off. */
function addClosing(server: FastifyInstance, clock: Clock): void {
  const closed = new AbortController();
  let isClosing = false;
  server.addHook('preClose', async () => {
    isClosing = true;
    server.server.once('close', () => closed.abort());
    void clock.sleep(CLOSING_MS, closed.signal).then(() => server.server.closeAllConnections());
  });
  server.addHook('onSend', async (_request, reply) => {
    if (isClosing) void reply.header('connection', 'close');
  });
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

function addWriting(server: FastifyInstance, settings: CollectorSettings, ports: CollectorPorts): void {
  const post = (name: string, isSingle: boolean, read: (body: unknown) => Message[]): void => {
    for (const path of [`/v1/${name}`, `/v1/${name.charAt(0)}`])
      server.post(path, async (request, reply) => {
        checkWriteKey(request, settings);
        return receive(request, reply, read(request.body), isSingle, settings, ports);
      });
  };
  for (const type of CALLS) post(type, true, body => [messageOf(body, type)]);
  post('batch', false, body => messagesOf(body, settings.maxBatchEvents));
}

async function receive(
  request: FastifyRequest,
  reply: FastifyReply,
  messages: readonly Message[],
  isSingle: boolean,
  settings: CollectorSettings,
  ports: CollectorPorts,
): Promise<FastifyReply> {
  const { metrics, clock, reception } = ports;
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
  const stream = { exposeHeadRoute: false };
  server.get<{ Querystring: StreamQuery }>('/stream', stream, async (request, reply) => {
    checkReadKey(request, settings);
    const { customer, kind } = request.query;
    // Without the id nothing from before is sent: the reader asked for what is new.
    const after = Number(request.headers['last-event-id'] ?? NaN);
    // A hijacked reply leaves its headers behind; the cross-origin ones are needed here too.
    const headers = reply.getHeaders() as Record<string, string>;
    reply.hijack();
    const filter = { customers: listed(customer), kinds: listed(kind) };
    ports.stream.open(reply.raw, filter, after, headers);
    return reply;
  });
}

/** Each may be given more than once. */
interface StreamQuery {
  customer?: string | string[];
  kind?: string | string[];
}

const listed = (value: string | string[] | undefined): string[] | null =>
  value === undefined ? null : [value].flat();

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
