/** The collector over a real socket, a real LMDB state and real lanes. */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { acceleratedClock, systemClock } from '../clock';
import type { OpenState } from '../embedded';
import { readAlerts } from '../live/output-tail';
import { openFakeScorer } from '../testing/fake-scorer';
import { end, page, post, reading, scoreOf, start, until } from './testing/running';
import type { Running } from './testing/running';

jest.setTimeout(15_000);

describe('a collector', () => {
  let running: Running;
  beforeAll(async () => void (running = await start()));
  afterAll(() => end(running));

  test('an event that was answered 200 is scored', async () => {
    const response = await post(running, '/v1/page', page('kim', { messageId: 'm1' }));
    expect([response.status, await response.json()]).toEqual([200, { success: true }]);
    expect(await scoreOf(running, 'kim')).toMatchObject({ customerId: 'kim', currency: 'USD' });
  });

  test('a batch is taken in part: what is bad is named, and kept as a dead letter', async () => {
    const batch = [
      page('lee'),
      { type: 'track', userId: 'lee' },
      { type: 'group', userId: 'lee' },
      page('guest'),
    ];
    const response = await post(running, '/v1/batch', { batch, sentAt: new Date(0).toISOString() });
    const body = (await response.json()) as { accepted: number; rejected: { index: number; code: string }[] };
    expect([response.status, body.accepted]).toEqual([200, 1]);
    expect(body.rejected.map(({ index, code }) => [index, code])).toEqual([
      [1, 'missing-event'],
      [3, 'refused-id'],
    ]);
    const letters = [...running.state.outputs()].filter(({ topic }) => topic === 'dead-letters');
    expect(letters.length).toBe(2);
  });

  test('order, screen, identify, alias and group calls are answered', async () => {
    const order = { event: 'Order Completed', properties: { order_id: 'o1', revenue: 12.5 } };
    for (const [path, body] of [
      ['track', { userId: 'max', ...order }],
      ['screen', { userId: 'max', name: 'Home' }],
      ['identify', { userId: 'max', traits: { plan: 'premium' } }],
      ['alias', { userId: 'max', previousId: 'x' }],
      ['group', { userId: 'max', groupId: 'x' }],
    ] as const)
      expect((await post(running, `/v1/${path}`, body)).status).toBe(200);
    const score = await until(async () => {
      const held = await scoreOf(running, 'max');
      return held['ltvMinor'] === 1_625 ? held : null;
    });
    expect(score['status']).toBe('active');
  });

  test('beacons come as text, and trackers compress', async () => {
    const beacon = await post(running, '/v1/page', JSON.stringify(page('ann')), {
      'content-type': 'text/plain',
    });
    expect(beacon.status).toBe(200);
    const zipped = gzipSync(JSON.stringify(page('ben')));
    expect((await post(running, '/v1/page', zipped, { 'content-encoding': 'gzip' })).status).toBe(200);
    await scoreOf(running, 'ben');
  });

  test('pages of other origins may write', async () => {
    const headers = { origin: 'https://shop.example', 'access-control-request-method': 'POST' };
    const preflight = await fetch(`${running.service.url}/v1/track`, { method: 'OPTIONS', headers });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('content-type');
  });

  test('known bots are answered and left out; servers that send events are not bots', async () => {
    const bot = { 'user-agent': 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)' };
    expect((await post(running, '/v1/page', page('robot'), bot)).status).toBe(200);
    await post(running, '/v1/page', page('server'), { 'user-agent': 'python-requests/2.31.0' });
    await scoreOf(running, 'server');
    expect((await fetch(`${running.service.url}/scores/robot`, reading)).status).toBe(404);
    const metrics = await (await fetch(`${running.service.url}/metrics`)).text();
    expect(metrics).toContain('rescore_collector_events_total{outcome="bot"} 1');
  });

  test('a stream tells scores as they come, and remembers for those who come back', async () => {
    const response = await fetch(`${running.service.url}/stream?customer=zoe`, reading);
    const reader = response.body!.getReader();
    await post(running, '/v1/page', page('zoe'));
    let text = '';
    while (!text.includes('event: score')) text += Buffer.from((await reader.read()).value!).toString();
    expect(text).toContain('"customerId":"zoe"');
    await reader.cancel();
    const again = { headers: { ...reading.headers, 'last-event-id': '-1' } };
    const second = (await fetch(`${running.service.url}/stream?customer=zoe`, again)).body!.getReader();
    let remembered = '';
    while (!remembered.includes('event: score'))
      remembered += Buffer.from((await second.read()).value!).toString();
    await second.cancel();
  });

  test('health is for supervisors, and needs no key', async () => {
    expect((await fetch(`${running.service.url}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${running.service.url}/readyz`)).json()).toEqual({ status: 'ready' });
  });

  test('refuses to read without the key', async () => {
    for (const headers of [undefined, { authorization: 'Bearer wrong' }]) {
      const response = await fetch(`${running.service.url}/scores/kim`, headers ? { headers } : {});
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
        401,
        'read-key',
      ]);
    }
  });
});

test('a customer who goes quiet is alerted by the clock alone', async () => {
  // A million times as fast: a month passes in three seconds.
  const running = await start({}, acceleratedClock(systemClock, systemClock.now(), 1_000_000));
  await post(running, '/v1/page', page('quiet'));
  const alert = await until(() => {
    const { alerts } = readAlerts(running.state, 0);
    return alerts.find(({ alert: { kind } }) => kind === 'inactive')?.alert ?? null;
  });
  expect(alert).toMatchObject({ customerId: 'quiet', state: 'raised' });
  expect(alert.since % 86_400_000).toBe(0);
  expect((await scoreOf(running, 'quiet'))['alerts']).toEqual(
    expect.arrayContaining([expect.objectContaining({ kind: 'inactive' })]),
  );
  await end(running);
});

test('write keys keep strangers out', async () => {
  const running = await start({ RESCORE_COLLECTOR_WRITE_KEYS: 'write-key-1,write-key-2' });
  const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` });
  const statuses = [
    (await post(running, '/v1/page', page('a'))).status,
    (await post(running, '/v1/page', page('a'), basic('write-key-3'))).status,
    (await post(running, '/v1/page', page('a'), basic('write-key-2'))).status,
    (await post(running, '/v1/page', page('a', { writeKey: 'write-key-1' }))).status,
  ];
  expect(statuses).toEqual([401, 401, 200, 200]);
  await end(running);
});

test('reading is closed until a read key is set', async () => {
  const running = await start({ RESCORE_COLLECTOR_READ_KEY: '' });
  const response = await fetch(`${running.service.url}/scores/kim`);
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
    403,
    'reading-closed',
  ]);
  await end(running);
});

test('a port that is taken: the error names the setting, and the lanes have ended before the state is closed', async () => {
  const running = await start();
  const { port } = new URL(running.service.url);
  const opened: OpenState[] = [];
  const started = start({ RESCORE_COLLECTOR_PORT: port }, systemClock, openFakeScorer, one =>
    opened.push(one),
  );
  await expect(started).rejects.toMatchObject({
    code: 'port-unfit',
    message: expect.stringContaining(
      `collector.port: 127.0.0.1:${port} cannot be opened (EADDRINUSE)`,
    ) as string,
  });
  await opened[0]!.close();
  await end(running);
});

test('503 and Retry-After when the lanes cannot keep up', async () => {
  // A lane that lingers for a minute reads nothing more meanwhile.
  const running = await start({ RESCORE_COLLECTOR_MAX_PENDING: '3', RESCORE_LANE_LINGER_MS: '60000' });
  const response = await until(async () => {
    const answer = await post(running, '/v1/page', page('kim'));
    return answer.status === 503 ? answer : null;
  });
  expect(response.headers.get('retry-after')).toBe('5');
  expect(((await response.json()) as { code: string }).code).toBe('overloaded');
  await end(running);
});

test('an alert is posted once, signed, and again until the receiver takes it', async () => {
  const secret = 'a-secret-of-the-tests';
  const posts: { id: string; signature: string; body: string }[] = [];
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (text: Buffer) => (body += text.toString()));
    request.on('end', () => {
      posts.push({
        id: String(request.headers['idempotency-key']),
        signature: String(request.headers['rescore-signature']),
        body,
      });
      response.statusCode = posts.length === 1 ? 500 : 204;
      response.end();
    });
  });
  await new Promise<void>(resolve => receiver.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/alerts`;
  const running = await start({ RESCORE_WEBHOOK_URL: url, RESCORE_WEBHOOK_SECRET: secret });
  // Somebody whose last activity lies 50 days back is inactive, and at risk, from the first event on.
  const at = systemClock.now();
  const [then, now] = [new Date(at - 50 * 86_400_000).toISOString(), new Date(at).toISOString()];
  await post(running, '/v1/page', page('old', { originalTimestamp: then, sentAt: now }));
  const kinds = await until(() => {
    const found = posts.map(({ body }) => (JSON.parse(body) as { kind: string }).kind);
    return found.includes('inactive') && posts.length >= 3 ? found : null;
  });
  expect(kinds).toContain('churnRisk');
  expect(posts[1]!.id).toBe(posts[0]!.id);
  const delivered = posts.slice(1).map(({ id }) => id);
  expect(new Set(delivered).size).toBe(delivered.length);
  for (const { signature, body } of posts) {
    const [, sentAt, digest] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature)!;
    expect(digest).toBe(createHmac('sha256', secret).update(`${sentAt}.${body}`).digest('hex'));
  }
  await end(running);
  receiver.close();
});
