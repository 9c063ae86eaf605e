/** The webhook against a real receiver, in the webhook's own time. */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import type { Clock } from '../../processors/ports';
import type { Alert } from '../../schemas';
import { collectorMetrics } from './metrics';
import { DEFAULT_WEBHOOK, Webhook } from './webhook';
import type { AlertRecord, WebhookSettings } from './webhook';

interface Post {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

let receiver: Server;
let posts: Post[] = [];
/** Statuses in order; the last one stays. A function answers itself. */
let answers: (number | ((response: ServerResponse) => void))[] = [];

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (text: Buffer) => (body += text.toString()));
    request.on('end', () => {
      posts.push({ method: request.method!, path: request.url!, headers: request.headers, body });
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
      if (typeof answer === 'function') return answer(response);
      response.writeHead(answer, { location: '/elsewhere' }).end('x'.repeat(1_000));
    });
  });
  await new Promise<void>(resolve => receiver.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  receiver.closeAllConnections();
  receiver.close();
});

const alert = (kind: Alert['kind']): Alert => ({
  customerId: 'kim',
  kind,
  state: 'raised',
  since: 1_000,
  asOf: 2_000,
  alertId: `kim/${kind}`,
  scoreId: 'score-1',
  sentence: 'Silent for 31 days.',
});
const record = (sequence: number, kind: Alert['kind']): AlertRecord => ({
  sequence,
  id: `id-${sequence}`,
  alert: alert(kind),
});
const ALERTS = [record(3, 'inactive'), record(7, 'churnRisk')];

function webhookFor(settings: Partial<WebhookSettings> = {}, jitter = 0.5) {
  const waits: number[] = [];
  const givenUp: [string, string][] = [];
  const place = { cursor: 0 };
  const clock: Clock = { now: () => 5_000, sleep: ms => Promise.resolve(void waits.push(ms)) };
  const registry = new Registry();
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/alerts`;
  const metrics = collectorMetrics(registry);
  const webhook = new Webhook(
    { url, secret: 'a-secret-of-the-tests', ...DEFAULT_WEBHOOK, ...settings },
    {
      clock,
      metrics,
      read: from => ({ alerts: ALERTS.filter(({ sequence }) => sequence >= from), next: Math.max(from, 9) }),
      cursor: { load: () => place.cursor, store: sequence => void (place.cursor = sequence) },
      giveUp: ({ id }, why) => Promise.resolve(void givenUp.push([id, why])),
      jitter: () => jitter,
    },
  );
  const counted = async (outcome: string): Promise<number> =>
    (await metrics.webhooks.get()).values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;
  return { webhook, waits, givenUp, place, counted, metrics };
}

const idsOf = (): (string | string[] | undefined)[] => posts.map(({ headers }) => headers['idempotency-key']);
const running = new AbortController().signal;

beforeEach(() => {
  posts = [];
  answers = [200];
});

test('each alert is posted once, signed over its time and body', async () => {
  const { webhook, place, counted } = webhookFor();
  await webhook.pump(running);
  await webhook.pump(running);
  expect(idsOf()).toEqual(['id-3', 'id-7']);
  expect(JSON.parse(posts[0]!.body)).toEqual({ id: 'id-3', ...alert('inactive') });
  for (const { headers, body, method } of posts) {
    expect([method, headers['content-type']]).toEqual(['POST', 'application/json']);
    const digest = createHmac('sha256', 'a-secret-of-the-tests').update(`5000.${body}`).digest('hex');
    expect(headers['rescore-signature']).toBe(`t=5000,v1=${digest}`);
  }
  expect([place.cursor, await counted('delivered')]).toEqual([9, 2]);
});

test('who is too busy is asked again, with waits that double and spread', async () => {
  answers = [503, 429, 408, 200];
  const { webhook, waits, givenUp, counted } = webhookFor();
  await webhook.pump(running);
  expect(idsOf()).toEqual(['id-3', 'id-3', 'id-3', 'id-3', 'id-7']);
  expect(waits).toEqual([750, 1_500, 3_000]);
  expect([givenUp, await counted('retried')]).toEqual([[], 3]);
});

test.each([400, 401, 410, 302])('%i is not asked again, and the next alert has its turn', async status => {
  answers = [status, 200];
  const { webhook, givenUp, place } = webhookFor();
  await webhook.pump(running);
  expect(givenUp).toEqual([['id-3', `it answered ${status}`]]);
  // A redirect followed would have been a GET somewhere else.
  expect(posts.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /alerts', 'POST /alerts']);
  expect([idsOf(), place.cursor]).toEqual([['id-3', 'id-7'], 9]);
});

test('after the last attempt it is given up, and says why', async () => {
  answers = [500];
  const { webhook, givenUp, counted } = webhookFor({ attempts: 3 });
  await webhook.pump(running);
  expect(idsOf()).toEqual(['id-3', 'id-3', 'id-3', 'id-7', 'id-7', 'id-7']);
  expect(givenUp.map(([id]) => id)).toEqual(['id-3', 'id-7']);
  expect([await counted('retried'), await counted('given_up')]).toEqual([4, 2]);
});

test('a receiver that is not there is named by its error, one that hangs by its silence', async () => {
  const gone = webhookFor({ url: 'http://127.0.0.1:1/', attempts: 1 });
  await gone.webhook.pump(running);
  expect(gone.givenUp[0]![1]).toMatch(/ECONNREFUSED|bad port/);
  answers = [() => undefined];
  const hanging = webhookFor({ attempts: 1, timeoutMs: 30 });
  await hanging.webhook.pump(running);
  expect(hanging.givenUp.map(([, why]) => why)).toEqual(Array(2).fill('it did not answer in time'));
});

test('a stop does not wait for a receiver that hangs; the alert is posted after the restart', async () => {
  const stop = new AbortController();
  answers = [() => stop.abort()];
  const { webhook, place, givenUp } = webhookFor({ timeoutMs: 60_000 });
  await webhook.pump(stop.signal);
  expect([idsOf(), place.cursor, givenUp]).toEqual([['id-3'], 0, []]);
  answers = [200];
  await webhook.pump(running);
  expect([idsOf(), place.cursor]).toEqual([['id-3', 'id-3', 'id-7'], 9]);
});

test('what was delivered when the stop came is not posted again', async () => {
  const stop = new AbortController();
  const { webhook, place, metrics } = webhookFor();
  jest.spyOn(metrics.webhooks, 'inc').mockImplementationOnce(() => stop.abort());
  await webhook.pump(stop.signal);
  expect([idsOf(), place.cursor]).toEqual([['id-3'], 4]);
  await webhook.pump(running);
  expect(idsOf()).toEqual(['id-3', 'id-7']);
});
