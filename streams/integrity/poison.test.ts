/** Poison of every kind: a dead letter with a reason, and the lane goes on. */
import { gzipSync } from 'node:zlib';
import { Kafka, Partitioners, logLevel } from 'kafkajs';
import { CompressionTypes } from 'kafkajs';
import type { DeadLetter } from '../../schemas';
import { createAvroCodec } from '../avro/codec';
import { describeWithServers, withServers } from '../testing/describe';
import { Scenario } from './scenario';
import { readAll } from './read-all';

const codec = createAvroCodec();

const event = (messageId: string, more: object = {}) =>
  Buffer.from(
    codec.encodeInput('web-events', {
      messageId,
      userId: 'kim',
      anonymousId: null,
      timestamp: null,
      originalTimestamp: null,
      sentAt: null,
      receivedAt: null,
      type: 'page',
      event: null,
      page: '/',
      deviceType: null,
      channel: null,
      sessionId: null,
      targetUserId: null,
      liked: null,
      rating: null,
      sentiment: null,
      order: null,
      traits: null,
      properties: {},
      truncated: false,
      ...more,
    }),
  );

/** Properties with a name that JavaScript treats in its own way. */
const polluted = event('polluted', { properties: Object.fromEntries([['__proto__', 'x']]) });

/** What is sent, and the code of the dead letter; null: no letter, an ordinary input. */
const POISON: readonly (readonly [what: string, value: Buffer | null, code: string | null])[] = [
  ['no bytes', Buffer.alloc(0), 'avro-magic'],
  ['a tombstone', null, 'avro-magic'],
  ['a bad magic byte', Buffer.from([9, 0, 0, 0, 1, 2]), 'avro-magic'],
  ['an unknown schema id', Buffer.from([0, 0, 0, 0x7f, 1, 2]), 'avro-schema-id'],
  [
    'an id of another topic',
    Buffer.concat([Buffer.from([0, 0, 0, 0, 2]), event('x').subarray(5)]),
    'avro-schema-id',
  ],
  ['truncated Avro', event('short').subarray(0, 12), 'avro-truncated'],
  ['JSON', Buffer.from('{"userId":"kim"}'), 'avro-magic'],
  ['random bytes', Buffer.from([0, 0, 0, 0, 1, 250, 249, 248, 1, 1, 1]), 'avro-truncated'],
  ['an id that stands for nobody', event('nobody', { userId: 'guest' }), 'refused-id'],
  ['no id at all', event('no id', { userId: null }), 'missing-id'],
  ['a time before 1990', event('ancient', { timestamp: Date.UTC(1980, 0, 1) }), 'time-before-floor'],
  ['a map with __proto__', polluted, null],
];

describeWithServers('poison', () => {
  const servers = withServers();

  test('each kind is a dead letter with its reason, and the lane goes on', async () => {
    const scenario = await Scenario.open({ ...servers(), seed: 11, partitions: 1 });
    const producer = new Kafka({ brokers: [...servers().brokers], logLevel: logLevel.NOTHING }).producer({
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    try {
      const topic = `${scenario.prefix}web-events`;
      await producer.connect();
      for (const [, value] of POISON) await producer.send({ topic, messages: [{ key: 'kim', value }] });
      // 40 KB on the wire, 40 MB of one record: whoever inflates it without a limit regrets it.
      await producer.send({
        topic,
        compression: CompressionTypes.GZIP,
        messages: [{ key: 'kim', value: Buffer.alloc(80 * 1024 * 1024) }],
      });
      await producer.send({ topic, messages: [{ key: 'kim', value: event('behind it all') }] });
      const processor = scenario.processor('a');
      processor.start();
      await scenario.rest();
      const letters = await readAll(scenario.kafka, [`${scenario.prefix}dead-letters`]);
      const codes = letters
        .map(({ value }) => codec.decodeOutput('dead-letters', value!))
        .sort((a, b) => a.source.offset - b.source.offset)
        .map(({ source, code }: DeadLetter) => [POISON[source.offset]?.[0] ?? 'a gzip bomb', code]);
      expect(codes).toEqual([
        ...POISON.flatMap(([what, , code]) => (code === null ? [] : [[what, code]])),
        ['a gzip bomb', 'batch-unreadable'],
      ]);
      expect(processor.isRunning).toBe(true);
      // The map with __proto__ and the event behind the bomb are applied, nothing else.
      expect((await scenario.verdict()).customers).toBe(1);
    } finally {
      await producer.disconnect();
      await scenario.close();
    }
  }, 120_000);
});

test('the bomb is small on the wire', () => {
  expect(gzipSync(Buffer.alloc(80 * 1024 * 1024)).length).toBeLessThan(100_000);
});
