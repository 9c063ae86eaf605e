/** The stream to readers that listen, come back, ask for a part, or do not read at all. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { READ_KEY, end, reading, start, until } from './testing/running';
import type { Running } from './testing/running';
import type { StreamMessage } from './stream';

jest.setTimeout(15_000);

let running: Running;
beforeAll(async () => void (running = await start()));
afterAll(() => end(running));

/** High, so that what the lanes publish never gets in between. */
let sequence = 1_000_000;
function send(customerId: string, kind: string | null, padding = ''): StreamMessage {
  const data = JSON.stringify({ customerId, kind, padding });
  const event = kind === null ? 'score' : 'alert';
  const message: StreamMessage = { sequence: sequence++, event, customerId, kind, data };
  running.service.stream.send(message);
  return message;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function listen(query: string, headers: Record<string, string> = {}): Promise<Reader> {
  const options = { headers: { ...reading.headers, ...headers } };
  const response = await fetch(`${running.service.url}/stream${query}`, options);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  return response.body!.getReader();
}

/** Reads until the text holds the mark; answers with the ids so far. */
async function idsUntil(reader: Reader, mark: number): Promise<number[]> {
  let text = '';
  while (!text.includes(`id: ${mark}\n`)) text += Buffer.from((await reader.read()).value!).toString();
  await reader.cancel();
  return [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
}

test('a reader may ask for customers and kinds, several of each', async () => {
  const some = await listen('?customer=ann&customer=ben');
  const kinds = await listen('?kind=churnRisk&kind=inactive');
  const [ann, ben] = [send('ann', null), send('ben', 'inactive')];
  send('cem', null);
  const [risk, last] = [send('dan', 'churnRisk'), send('ben', 'vipAtRisk')];
  const end = send('ann', 'inactive');
  expect(await idsUntil(some, end.sequence)).toEqual([ann, ben, last, end].map(({ sequence }) => sequence));
  expect(await idsUntil(kinds, end.sequence)).toEqual([ben, risk, end].map(({ sequence }) => sequence));
});

test('who comes back gets exactly what was missed, also across origins', async () => {
  const seen = send('eve', null);
  const missed = [send('eve', null), send('eve', 'inactive')];
  const reader = await listen('?customer=eve', { 'last-event-id': String(seen.sequence) });
  const next = send('eve', null);
  expect(await idsUntil(reader, next.sequence)).toEqual([...missed, next].map(({ sequence }) => sequence));
  const headers = { ...reading.headers, origin: 'https://shop.example' };
  const response = await fetch(`${running.service.url}/stream`, { headers });
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  await response.body!.cancel();
});

test('who never came gets nothing from before', async () => {
  send('flo', null);
  const reader = await listen('?customer=flo', { 'last-event-id': 'not a number' });
  const next = send('flo', null);
  expect(await idsUntil(reader, next.sequence)).toEqual([next.sequence]);
});

/** Asks for the stream, and then does not read. */
function deaf(): Promise<Socket> {
  const { hostname, port } = new URL(running.service.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(`GET /stream?customer=gus HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${READ_KEY}\r\n\r\n`);
  return new Promise(resolve =>
    socket.once('data', () => {
      socket.pause();
      resolve(socket);
    }),
  );
}

test('a reader that does not read is dropped and counted; the others get everything', async () => {
  const { metrics } = running.service.stream;
  await until(() => (metrics.readers === 0 ? true : null));
  const socket = await deaf();
  const reader = await listen('?customer=gus');
  const [sentIds, gotIds]: number[][] = [[], []];
  for (let rest = ''; metrics.slowReaders === 0;) {
    expect(sentIds.length).toBeLessThan(2_000);
    const { sequence } = send('gus', null, 'x'.repeat(50_000));
    sentIds.push(sequence);
    while (gotIds.at(-1) !== sequence) {
      const parts = (rest + Buffer.from((await reader.read()).value!).toString()).split('\n\n');
      rest = parts.pop()!;
      for (const part of parts) if (part.startsWith('id: ')) gotIds.push(Number.parseInt(part.slice(4), 10));
    }
  }
  expect(gotIds).toEqual(sentIds);
  expect(metrics.readers).toBe(1);
  const page = await (await fetch(`${running.service.url}/metrics`)).text();
  expect(page).toContain('rescore_stream_slow_readers_total 1\n');
  await reader.cancel();
  socket.destroy();
});

test('HEAD opens no stream', async () => {
  const response = await fetch(`${running.service.url}/stream`, { method: 'HEAD', ...reading });
  expect(response.status).toBe(404);
});
