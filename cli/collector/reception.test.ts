/** Laws of taking messages: nothing that is sent can make it fail, and what is answered is in the log. */
import fc from 'fast-check';
import { DEFAULT_RULES, readInput } from '../../processors/core';
import type { AppendRecord, EventLog } from '../../processors/ports';
import type { InputTopic } from '../../schemas';
import { createAvroCodec } from '../../streams/avro/codec';
import { MemoryEventLog } from '../../streams/memory';
import { messageOf, messagesOf } from './messages';
import { Reception } from './reception';

const AT = Date.UTC(2026, 0, 31, 12);
const codec = createAvroCodec();

interface Letter {
  code: string;
  reason: string;
  bytes: Uint8Array;
}

function receptionOver(log: EventLog): { reception: Reception; letters: Letter[] } {
  const letters: Letter[] = [];
  const deadLetter = (letter: Letter): Promise<void> => Promise.resolve(void letters.push(letter));
  return { reception: new Reception({ log, codec, rules: DEFAULT_RULES, deadLetter }, 32_768), letters };
}

async function recordsOf(log: EventLog): Promise<{ topic: InputTopic; key: string; value: Uint8Array }[]> {
  const found = [];
  for (let partition = 0; partition < log.partitions; partition++)
    for (const { records } of await log.read(partition, await log.starts(partition), 1_000_000))
      found.push(...records);
  return found;
}

/** Messages that look real in most fields and are anything at all in some. */
function anyMessage(): fc.Arbitrary<unknown> {
  const strange = fc.oneof(
    { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom<unknown>(1e300, -1e300, 2 ** 53, 8.64e15 + 1, -0, 1e-300, '1e999'),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
    { weight: 1, arbitrary: fc.integer({ min: 30, max: 9_000 }).map(nested) },
  );
  const or = (usual: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 24, arbitrary: usual }, { weight: 1, arbitrary: strange });
  const of = (...values: unknown[]): fc.Arbitrary<unknown> => or(fc.constantFrom(...values));
  const time = of('2026-01-31T11:00:00Z', AT - 5_000, undefined);
  const money = of(12.5, '9.99', 0, undefined);
  const properties = fc.record(
    {
      order_id: of('o1', 7),
      revenue: money,
      total: money,
      shipping: money,
      currency: of('USD', 'EUR', 'usd'),
      rating: of(1, 5, 9),
      sentiment: of(-1, 0.5),
      liked: of(true, 'false'),
      targetUserId: of('pat'),
      path: of('/a'),
    },
    { requiredKeys: [] },
  );
  const fields = {
    type: of('track', 'page', 'screen', 'identify', 'alias', 'group', 'profile'),
    event: of('Order Completed', 'Order Refunded', 'Gig Rated', 'Product Viewed', 'Else'),
    userId: of('kim', 'lee', 7, undefined),
    anonymousId: of('x', undefined),
    messageId: of('m1', 'm2', undefined),
    timestamp: time,
    originalTimestamp: time,
    sentAt: time,
    properties: or(properties),
    traits: or(
      fc.record({
        createdAt: time,
        plan: of('free'),
        skills: of(3, ['a']),
        age: of(33),
        profileCompleteness: of(50),
      }),
    ),
    context: or(fc.record({ device: or(fc.record({ type: of('ios') })), channel: of('mobile') })),
  };
  return fc.oneof({ weight: 9, arbitrary: fc.record(fields) }, { weight: 1, arbitrary: strange });
}

function nested(levels: number): unknown {
  let value: unknown = 'deep';
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

test('every message is accepted, ignored or rejected with a code; what is accepted can be read by a lane', async () => {
  let taken = 0;
  const sizes = { minLength: 1, maxLength: 5 };
  await fc.assert(
    fc.asyncProperty(fc.array(anyMessage(), sizes), anyMessage(), async (batch, sentAt) => {
      const log = new MemoryEventLog(3);
      const { reception, letters } = receptionOver(log);
      const messages = messagesOf({ batch, ...(typeof sentAt === 'string' ? { sentAt } : {}) }, 5);
      const { accepted, ignored, rejected } = await reception.take(messages, AT);
      expect(accepted + ignored + rejected.length).toBe(batch.length);
      expect(letters.map(({ code }) => code)).toEqual(rejected.map(({ code }) => code));
      for (const { code, message } of rejected) {
        expect(code).toMatch(/^[a-z]+(-[a-z]+)+$/);
        expect(message).toMatch(/\S.{10,}/);
      }
      const records = await recordsOf(log);
      expect(records.length).toBe(accepted);
      for (const { topic, key, value } of records) {
        const source = { topic, partition: 0, offset: 0, index: 0 };
        const place = { recordAt: AT, source, mailedFrom: null };
        const reading = readInput(topic, codec.decode(topic, value), place, DEFAULT_RULES);
        expect(reading.ok && reading.input.customerId).toBe(key);
      }
      taken += accepted;
    }),
    { numRuns: 600 },
  );
  // A generator that is always refused would prove nothing.
  expect(taken).toBeGreaterThan(200);
});

/** A log whose appends wait until they are let through, one by one. */
class GatedLog extends MemoryEventLog {
  readonly calls: { topic: InputTopic; partition: number; keys: string[] }[] = [];
  private readonly gates: { open: () => void; fail: (error: Error) => void }[] = [];

  override async append(topic: InputTopic, partition: number, records: readonly AppendRecord[]) {
    this.calls.push({ topic, partition, keys: records.map(({ key }) => key) });
    await new Promise<void>((open, fail) => this.gates.push({ open, fail }));
    return super.append(topic, partition, records);
  }

  async gate(): Promise<{ open: () => void; fail: (error: Error) => void }> {
    while (this.gates.length === 0) await Promise.resolve();
    return this.gates.shift()!;
  }
}

const view = (userId: string): ReturnType<typeof messageOf> =>
  messageOf({ userId, messageId: userId }, 'page');

test('requests that come while an append runs share the next one, and wait for it', async () => {
  const log = new GatedLog(1);
  const { reception } = receptionOver(log);
  const answered: string[] = [];
  const take = (id: string): Promise<unknown> => reception.take([view(id)], AT).then(() => answered.push(id));
  const first = take('a');
  const gate = await log.gate();
  const later = ['b', 'c', 'd'].map(take);
  gate.open();
  await first;
  const second = await log.gate();
  expect(answered).toEqual(['a']);
  second.open();
  await Promise.all(later);
  expect(log.calls.map(({ keys }) => keys)).toEqual([['a'], ['b', 'c', 'd']]);
  expect(answered).toEqual(['a', 'b', 'c', 'd']);
});

test('an append that fails refuses all that waited for it, and none that comes after', async () => {
  const log = new GatedLog(1);
  const { reception } = receptionOver(log);
  const doomed = ['a', 'b'].map(id => reception.take([view(id)], AT));
  (await log.gate()).fail(new Error('The disk is full.'));
  const failures = await Promise.allSettled(doomed);
  expect(failures.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(doomed[0]).rejects.toMatchObject({ code: 'not-stored', status: 503 });
  const next = reception.take([view('c')], AT);
  (await log.gate()).open();
  expect((await next).accepted).toBe(1);
  expect((await recordsOf(log)).map(({ key }) => key)).toEqual(['c']);
});

test('a batch costs one append for each topic and partition', async () => {
  const log = new GatedLog(2);
  const { reception } = receptionOver(log);
  const ids = Array.from({ length: 40 }, (_, at) => `customer-${at}`);
  const order = { event: 'Order Completed', properties: { order_id: 'o', revenue: 1 } };
  const batch = ids.flatMap(userId => [
    { type: 'page', userId },
    { type: 'track', userId, ...order },
  ]);
  const done = reception.take(messagesOf({ batch }, 100), AT);
  for (let call = 0; call < 4; call++) (await log.gate()).open();
  expect((await done).accepted).toBe(80);
  expect(new Set(log.calls.map(({ topic, partition }) => `${topic}/${partition}`)).size).toBe(4);
  for (const { partition, keys } of log.calls)
    for (const key of keys) expect(log.partitionOf(key)).toBe(partition);
});

async function messageIds(...bodies: unknown[]): Promise<string[]> {
  const log = new MemoryEventLog(1);
  const { reception } = receptionOver(log);
  for (const body of bodies) await reception.take(messagesOf(body, 9), AT);
  return (await recordsOf(log)).map(({ value }) => codec.decode('web-events', value).messageId);
}

test('a missing message id is a hash of the message and the instant of its batch', async () => {
  const batch = [{ type: 'page', userId: 'kim' }];
  const sentAt = '2026-01-31T11:59:00Z';
  const [once, again, later] = await messageIds(
    { batch, sentAt },
    { batch, sentAt, context: { channel: 'mobile' } },
    { batch, sentAt: '2026-01-31T11:59:30Z' },
  );
  expect(once).toMatch(/^sha256:[0-9a-f]{32}$/);
  expect(again).toBe(once);
  expect(later).not.toBe(once);
});

test("a wrong device clock is corrected by the batch's sentAt", async () => {
  const log = new MemoryEventLog(1);
  const { reception } = receptionOver(log);
  // The device is an hour fast: it says that the event was five seconds before it sent the batch.
  const message = { type: 'page', userId: 'kim', timestamp: '2026-01-31T12:59:55Z' };
  const batch = [message, { ...message, originalTimestamp: '2026-01-31T12:59:50Z' }];
  await reception.take(messagesOf({ batch, sentAt: '2026-01-31T13:00:00Z' }, 9), AT);
  const times = (await recordsOf(log)).map(({ topic, value }) => {
    const place = {
      recordAt: AT,
      source: { topic, partition: 0, offset: 0, index: 0 },
      mailedFrom: null,
    };
    const reading = readInput(topic, codec.decode(topic, value), place, DEFAULT_RULES);
    return reading.ok && reading.input.kind === 'activity' ? reading.input.eventAt : null;
  });
  expect(times).toEqual([AT - 5_000, AT - 10_000]);
});

test("a message's own context wins over its batch's, field by field", async () => {
  const log = new MemoryEventLog(1);
  const { reception } = receptionOver(log);
  const context = { channel: 'mobile', device: { type: 'ios' }, sessionId: 's1' };
  const own = JSON.parse('{"channel":"web","__proto__":{"sessionId":"s2"}}') as object;
  const batch = [
    { type: 'page', userId: 'a' },
    { type: 'page', userId: 'a', context: own },
  ];
  await reception.take(messagesOf({ batch, context }, 9), AT);
  const seen = (await recordsOf(log)).map(({ value }) => {
    const { channel, deviceType, sessionId } = codec.decode('web-events', value);
    return [channel, deviceType, sessionId];
  });
  expect(seen).toEqual([
    ['mobile', 'ios', 's1'],
    ['web', 'ios', 's1'],
  ]);
  expect(({} as { sessionId?: string }).sessionId).toBeUndefined();
});

test('the write key of a refused message is not kept', async () => {
  const { reception, letters } = receptionOver(new MemoryEventLog(1));
  await reception.take([messageOf({ writeKey: 'write-key-1', userId: 'guest' }, 'page')], AT);
  expect(letters.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([
    '{"userId":"guest","type":"page"}',
  ]);
});
