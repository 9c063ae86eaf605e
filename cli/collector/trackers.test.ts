/** What trackers and proxies really send, and what nobody should: over a real socket. */
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { end, page, post, reading, scoreOf, start } from './testing/running';
import type { Running } from './testing/running';

jest.setTimeout(15_000);

let running: Running;
beforeAll(async () => void (running = await start({ RESCORE_COLLECTOR_MAX_BATCH_EVENTS: '500' })));
afterAll(() => end(running));

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${running.service.url}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find(line => line.startsWith(`${name} `))!
      .slice(name.length),
  );
};

test.each([
  ['t', { event: 'Product Viewed' }],
  ['p', { name: 'Home' }],
  ['s', { name: 'Home' }],
  ['i', { traits: { plan: 'free' } }],
  ['a', { previousId: 'x' }],
  ['g', { groupId: 'x' }],
])('the tracker for browsers posts to /v1/%s', async (path, body) => {
  const response = await post(running, `/v1/${path}`, { userId: 'ajs', writeKey: 'anything', ...body });
  expect([response.status, await response.json()]).toEqual([200, { success: true }]);
});

test('and its batches to /v1/b', async () => {
  const batch = [page('ajs-batch'), { ...page('ajs-batch'), type: 'screen' }];
  const response = await post(running, '/v1/b', { writeKey: 'x', batch, sentAt: '2026-01-31T12:00:00Z' });
  expect([response.status, await response.json()]).toEqual([
    200,
    { success: true, accepted: 2, rejected: [] },
  ]);
});

test('a preflight is allowed the headers that it asks for', async () => {
  const headers = {
    origin: 'https://shop.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'anonymousid,authorization,content-type',
  };
  const preflight = await fetch(`${running.service.url}/v1/track`, { method: 'OPTIONS', headers });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-headers')).toBe(
    'anonymousid,authorization,content-type',
  );
});

test('only the origins of the setting are told that they may', async () => {
  const strict = await start({ RESCORE_COLLECTOR_CORS_ORIGINS: 'https://shop.example' });
  const allowed = async (origin: string): Promise<string | null> => {
    const response = await post(strict, '/v1/page', page('kim'), { origin });
    return response.headers.get('access-control-allow-origin');
  };
  expect(await allowed('https://shop.example')).toBe('https://shop.example');
  expect(await allowed('https://other.example')).toBeNull();
  const headers = { origin: 'https://other.example', 'access-control-request-method': 'POST' };
  const preflight = await fetch(`${strict.service.url}/v1/track`, { method: 'OPTIONS', headers });
  expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
  await end(strict);
});

test('an encoding is named in any case', async () => {
  const zipped = gzipSync(JSON.stringify(page('case')));
  expect((await post(running, '/v1/page', zipped, { 'content-encoding': 'GZIP' })).status).toBe(200);
});

test('the longest ids can be written and read', async () => {
  for (const id of ['k'.repeat(128), 'ü'.repeat(64), 'a/b?c#d%20']) {
    expect((await post(running, '/v1/page', page(id))).status).toBe(200);
    expect((await scoreOf(running, id))['customerId']).toBe(id);
  }
});

const time = (field: string, shown: string): string =>
  `${field} is ${shown}; send an ISO 8601 time such as 2026-01-31T12:00:00Z, or milliseconds.`;
const DEEP = 'the message is nested more than 32 levels. Send a flatter one.';

test.each([
  [
    'a nested property',
    '/v1/track',
    `{"userId":"a","event":"X","properties":{"a":${nested(9_000)}}}`,
    400,
    'malformed-json',
    DEEP,
  ],
  ['33 levels', '/v1/track', `{"userId":"a","event":"X","a":${nested(32)}}`, 400, 'malformed-json', DEEP],
  [
    'a nested type',
    '/v1/page',
    `{"type":${nested(9_000)}}`,
    400,
    'wrong-type',
    'type is an object, the path says page. Send the type that the path names, or leave it out.',
  ],
  [
    'a nested sentAt',
    '/v1/batch',
    `{"batch":[{}],"sentAt":${nested(9_000)}}`,
    400,
    'malformed-batch',
    'context or sentAt is nested more than 32 levels. Send flatter ones.',
  ],
  [
    'a nested context',
    '/v1/batch',
    `{"batch":[{}],"context":{"device":${nested(9_000)}}}`,
    400,
    'malformed-batch',
    'context or sentAt is nested more than 32 levels. Send flatter ones.',
  ],
  [
    'a huge timestamp',
    '/v1/page',
    '{"userId":"a","timestamp":1e300}',
    400,
    'malformed-time',
    time('timestamp', '1e+300'),
  ],
  [
    'a huge sentAt',
    '/v1/page',
    '{"userId":"a","sentAt":9007199254740993}',
    400,
    'malformed-time',
    time('sentAt', '9007199254740992'),
  ],
  [
    'a time past the calendar',
    '/v1/page',
    '{"userId":"a","originalTimestamp":-8640000000000001}',
    400,
    'malformed-time',
    time('originalTimestamp', '-8640000000000001'),
  ],
  [
    'too many messages',
    '/v1/batch',
    `{"batch":[${'1,'.repeat(500)}1]}`,
    413,
    'body-too-large',
    'The batch holds 501 messages, at most 500 are taken. Send smaller batches, or raise collector.maxBatchEvents.',
  ],
  [
    'a body that is too large',
    '/v1/batch',
    ' '.repeat(524_289),
    413,
    'body-too-large',
    'The body is too large. Send smaller batches, or raise collector.maxBodyKilobytes.',
  ],
  ['no body', '/v1/track', '', 400, 'malformed-json', 'The body is not JSON. Send one JSON object.'],
  [
    'a batch in a list',
    '/v1/batch',
    '[{"type":"page"}]',
    400,
    'malformed-batch',
    'batch is not a list of messages. Send {"batch": [...]} with at least one message.',
  ],
  [
    'nobody',
    '/v1/page',
    '{}',
    400,
    'missing-id',
    'userId and anonymousId are both missing. Send one of them.',
  ],
])('refuses %s for good', async (_what, path, body, status, code, message) => {
  const response = await post(running, path, body);
  expect([response.status, await response.json()]).toEqual([status, { success: false, code, message }]);
});

/** As it is, without the corrections of `fetch`. */
const getRaw = (path: string): Promise<[number | undefined, { success: boolean; code: string }]> =>
  new Promise((resolve, reject) => {
    const url = new URL(running.service.url);
    const sent = request({ host: url.hostname, port: url.port, path, headers: reading.headers }, response => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve([response.statusCode, JSON.parse(text) as never]));
    });
    sent.on('error', reject).end();
  });

test('what the router itself refuses is answered in the same words', async () => {
  expect(await getRaw('/scores/%E0%A4%A')).toEqual([
    404,
    {
      success: false,
      code: 'unknown-route',
      message: 'There is no GET /scores/%E0%A4%A. docs/http.md lists the routes.',
    },
  ]);
  expect(await getRaw(`/scores/${'k'.repeat(300)}`)).toEqual([
    404,
    {
      success: false,
      code: 'unknown-customer',
      message: 'No customer id is that long. Check the id; an anonymous customer is written anon:ID.',
    },
  ]);
});

test('a message that spoils its request leaves nothing of it behind; in a batch it is left out alone', async () => {
  const before = await metric('rescore_collector_events_total{outcome="accepted"}');
  const batch = [page('good'), { type: 'page', userId: 'bad', sentAt: 1e300 }, page('good')];
  const response = await post(running, '/v1/batch', { batch });
  const answer = (await response.json()) as { accepted: number; rejected: { index: number; code: string }[] };
  expect([response.status, answer.accepted]).toEqual([200, 2]);
  expect(answer.rejected.map(({ index, code }) => [index, code])).toEqual([[1, 'malformed-time']]);
  expect(await metric('rescore_collector_events_total{outcome="accepted"}')).toBe(before + 2);
  expect((await fetch(`${running.service.url}/scores/bad`, reading)).status).toBe(404);
});
