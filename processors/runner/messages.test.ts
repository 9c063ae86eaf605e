/** Messages as consumers find them: the attributes of CloudEvents on each kind, and what is done with one too large. */
import { createHash } from 'node:crypto';
import type { CustomerCommand, OutputTopic, Reason, WebEvent } from '../../schemas';
import { DAY_MS, MINUTE_MS, OUTPUT_TOPICS, SECOND_MS } from '../../schemas';
import { createAvroCodec } from '../../streams/avro/codec';
import { INPUT_SAMPLES } from '../../streams/avro/samples';
import { MemoryBroker, MemoryEventLog, MemoryPublisher } from '../../streams/memory';
import type { PublishedMessage } from '../../streams/memory';
import { DEFAULT_RULES, DEFAULT_SETTINGS } from '../core';
import { CONSTANTS } from '../core/testing/inputs';
import type { Scorer } from '../ports';
import { MemoryStateStore } from '../state/memory';
import { Lane } from '.';
import type { LaneSettings } from '.';

const T0 = Date.UTC(2026, 0, 10, 12);
const codec = createAvroCodec();

/** The same scores for everybody, with as many reasons as a test wants. */
const scorerWith = (reasons: () => number): Scorer => ({
  constants: CONSTANTS,
  score: (_vectors, rows) =>
    Promise.resolve({
      engagement: new Float32Array(rows).fill(0.5),
      churn: new Float32Array(rows).fill(0.9),
      ltv: new Float32Array(rows),
    }),
  explain: (_vectors, rows) => Promise.resolve(rows.map(() => Array<Reason>(reasons()).fill(REASON))),
});
const REASON: Reason = { model: 'churn', feature: 'last_login_days_ago', value: 1, contribution: 0.5 };

async function openLane(settings: Partial<LaneSettings>, reasons: () => number = () => 1) {
  const broker = new MemoryBroker(1);
  const lane = new Lane({
    partition: 0,
    ports: {
      log: new MemoryEventLog(broker),
      store: new MemoryStateStore(),
      publisher: new MemoryPublisher(broker),
      scorer: scorerWith(reasons),
      codec,
    },
    core: DEFAULT_SETTINGS,
    rules: DEFAULT_RULES,
    settings: { source: 'shop', vectorShare: 0, ...settings },
  });
  await lane.start();
  return { broker, lane };
}

async function work({ lane }: { lane: Lane }): Promise<void> {
  while (await lane.advance());
  await lane.settle();
}

function page(
  broker: MemoryBroker,
  userId: string,
  messageId: string,
  recordAt: number,
  at = recordAt,
): void {
  const event: WebEvent = {
    ...INPUT_SAMPLES['web-events'],
    ...{ messageId, userId, anonymousId: null, originalTimestamp: null, timestamp: at, type: 'page' },
    ...{ event: null, order: null, traits: null, targetUserId: null, rating: null, sentiment: null },
  };
  const value = codec.encodeInput('web-events', event);
  broker.append('web-events', 0, [{ key: userId, recordAt, value }]);
}

function command(broker: MemoryBroker, kind: CustomerCommand['kind'], recordAt: number): void {
  const none = { cause: null, networkCentrality: null, avgConnectionStrength: null, computedAt: null };
  const dueAt = kind === 'tick' ? recordAt : null;
  const value = codec.encodeInput('customer-commands', { customerId: 'kim', kind, dueAt, ...none });
  broker.append('customer-commands', 0, [{ key: 'kim', recordAt, value }]);
}

const iso = (at: number): string => new Date(at).toISOString();

test('CloudEvents in the binary mode of the Kafka binding: every header of all five topics and of a tombstone', async () => {
  const open = await openLane({});
  const { broker } = open;
  page(broker, 'kim', 'now', T0);
  page(broker, 'kim', 'late', T0 + SECOND_MS, T0 - 100 * DAY_MS);
  const poison = { key: 'kim', recordAt: T0 + 2 * SECOND_MS, value: Uint8Array.of(9) };
  broker.append('web-events', 0, [poison]);
  command(broker, 'tick', T0 + 50 * MINUTE_MS);
  await work(open);
  // In the same batch nothing from before it would go out.
  command(broker, 'erase', T0 + DAY_MS);
  await work(open);

  const first = (topic: OutputTopic, withdraws = false): PublishedMessage =>
    broker.published.find(message => message.topic === topic && (message.value === null) === withdraws)!;
  const expected = (message: PublishedMessage, type: string, at: number, subject: string | null) => ({
    ce_specversion: '1.0',
    ce_id: message.id,
    ce_source: `shop/${message.topic}`,
    ce_type: type,
    ce_time: iso(at),
    'content-type': 'application/avro',
    ...(subject === null ? {} : { ce_subject: subject }),
  });
  const score = first('engagement-scores');
  const { asOf } = codec.decodeOutput('engagement-scores', score.value!);
  const kinds: [PublishedMessage, string, number, string | null][] = [
    [score, 'rescore.score', asOf, 'kim'],
    [first('engagement-alerts'), 'rescore.alert', asOf, 'kim'],
    [first('sessions'), 'rescore.session', T0, 'kim'],
    [first('late-events'), 'rescore.late-event', T0 + SECOND_MS, 'kim'],
    [first('dead-letters'), 'rescore.dead-letter', poison.recordAt, null],
    [first('engagement-scores', true), 'rescore.erased', T0 + DAY_MS, 'kim'],
    [first('engagement-alerts', true), 'rescore.erased', T0 + DAY_MS, 'kim'],
  ];
  for (const [message, type, at, subject] of kinds)
    expect(message.headers).toEqual(expected(message, type, at, subject));
  expect(new Set(kinds.map(([{ topic }]) => topic))).toEqual(new Set(OUTPUT_TOPICS));
  for (const { id, value } of broker.published)
    if (value !== null) expect(id).toBe(createHash('sha256').update(value).digest('hex').slice(0, 32));
});

test('a message above lane.maxMessageBytes is a dead letter that says so, and the lane goes on', async () => {
  let reasons = 300;
  const maxMessageBytes = 4_000;
  const open = await openLane({ maxMessageBytes }, () => reasons);
  const { broker, lane } = open;
  page(broker, 'kim', 'm1', T0);
  await work(open);
  const topics = (): string[] => broker.published.map(({ topic, key }) => `${topic} ${key}`);
  expect(topics()).toContain('dead-letters engagement-scores/kim');
  expect(topics()).not.toContain('engagement-scores kim');
  const letter = broker.published.find(({ topic }) => topic === 'dead-letters')!;
  const { code, stage, reason, size, bytes, digest } = codec.decodeOutput('dead-letters', letter.value!);
  expect([code, stage]).toEqual(['message-too-large', 'publish']);
  expect(reason).toBe(
    `A message for engagement-scores has ${size} bytes, the limit is 4000. Raise lane.maxMessageBytes, then run \`rescore topics create --alter\`.`,
  );
  expect(letter.value!.length).toBeLessThanOrEqual(maxMessageBytes);
  expect([size > maxMessageBytes, bytes.length < size, digest.length]).toEqual([true, true, 64]);
  expect(lane.metrics.deadLetters).toEqual({ 'message-too-large': 1 });

  reasons = 1;
  page(broker, 'lee', 'm2', T0 + SECOND_MS);
  await work(open);
  expect(topics()).toContain('engagement-scores lee');
  expect(lane.metrics.deadLetters).toEqual({ 'message-too-large': 1 });
});
