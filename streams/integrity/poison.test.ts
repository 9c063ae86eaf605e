/** Poison of every kind: a dead letter with a reason, and the lane goes on. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import {
  CompressionCodecs,
  CompressionTypes,
  ConfigResourceTypes,
  ConfigSource,
  Kafka,
  Partitioners,
  logLevel,
} from 'kafkajs';
import type { Producer, RecordMetadata } from 'kafkajs';
import { systemClock } from '../../cli/clock';
import { runCli } from '../../cli/testing/captured-io';
import type { DeadLetter } from '../../schemas';
import { createAvroCodec } from '../avro/codec';
import { RegistryClient } from '../avro/registry-client';
import { openRegistryCodec, subjectOf } from '../avro/registry-codec';
import { loadSchema } from '../avro/schemas';
import { describeWithServers, withServers } from '../testing/describe';
import { startRegistry } from '../testing/servers';
import type { Processor } from './fleet';
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
      // 80 KB on the wire, 80 MB of one record: whoever inflates it without a limit regrets it.
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

const MEGABYTE = 1 << 20;
/** The inflation limit, a record of 10 MB in a few copies, and what the collector of garbage leaves lying. */
const MOST_GROWTH = 200 * MEGABYTE;
/** Five bytes: so many items are announced, and none of them comes. */
const ITEMS = 60_000_000;

/** The most memory that a process has ever had, bytes. */
const peakOf = ({ pid }: Processor): number =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1_024;

/** As records write numbers (zigzag): these are not negative. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value * 2;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}

/** One record of so many bytes without key, compressed in members, so that nobody here has to hold it. */
function gzipBomb(megabytes: number): Buffer {
  const nothing = gzipSync(Buffer.alloc(20 * MEGABYTE));
  const size = varint(megabytes * MEGABYTE);
  // Attributes, differences of time and offset, no key; behind the value no headers.
  const head = Buffer.concat([Buffer.from([0, 0, 0, 1]), size]);
  const length = varint(head.length + megabytes * MEGABYTE + 1);
  const members = new Array<Buffer>(megabytes / 20).fill(nothing);
  return Buffer.concat([gzipSync(Buffer.concat([length, head])), ...members, gzipSync(Buffer.from([0]))]);
}

/** Sends it as the one record of a batch. */
async function sendBomb(producer: Producer, topic: string, bomb: Buffer): Promise<RecordMetadata[]> {
  const usual = CompressionCodecs[CompressionTypes.GZIP];
  CompressionCodecs[CompressionTypes.GZIP] = () => ({ compress: () => Promise.resolve(bomb) });
  try {
    const messages = [{ key: null, value: 'in its place', partition: 0 }];
    return await producer.send({ topic, compression: CompressionTypes.GZIP, messages });
  } finally {
    CompressionCodecs[CompressionTypes.GZIP] = usual;
  }
}

/** Of a record; the request replaces all entries of a topic, so what it has otherwise is sent along. */
async function raiseLimit(kafka: Kafka, name: string, bytes: number): Promise<void> {
  const type = ConfigResourceTypes.TOPIC;
  const admin = kafka.admin();
  await admin.connect();
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type, name }],
  });
  const own = resources[0]!.configEntries.filter(
    ({ configSource }) => configSource === ConfigSource.TOPIC_CONFIG,
  );
  const entries = new Map(own.map(({ configName, configValue }) => [configName, configValue]));
  entries.set('max.message.bytes', String(bytes));
  const configEntries = [...entries].map(([key, value]) => ({ name: key, value }));
  await admin.alterConfigs({ validateOnly: false, resources: [{ type, name, configEntries }] });
  await admin.disconnect();
}

describeWithServers('poison that wants memory', () => {
  const servers = withServers();
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  beforeAll(async () => void (registry = await startRegistry()), 180_000);
  afterAll(() => registry.stop());

  /** Announces items of an array that is the first field of a schema that is registered for the topic. */
  async function arrayBomb(prefix: string, items: string): Promise<Buffer> {
    const client = new RegistryClient({ url: registry.url, username: '', password: '' }, systemClock);
    const schema = loadSchema('web-events') as { fields: object[] };
    const padding = { name: 'padding', type: { type: 'array', items } };
    const text = JSON.stringify({ ...schema, fields: [padding, ...schema.fields] });
    const frame = Buffer.alloc(10);
    frame.writeUInt32BE(await client.register(subjectOf(prefix, 'web-events'), text), 1);
    let left = ITEMS * 2;
    for (let at = 5; at < 10; at++, left = Math.floor(left / 128))
      frame[at] = (left % 128) + (at < 9 ? 128 : 0);
    return frame;
  }

  /** Offset of each kind, and the code that it deserves. */
  async function sendAll(producer: Producer, topic: string, prefix: string): Promise<Map<string, string>> {
    const send = (value: Buffer) => producer.send({ topic, messages: [{ key: 'kim', value, partition: 0 }] });
    const sent = [
      [await send(await arrayBomb(prefix, 'null')), 'avro-schema-unusable'],
      [await send(await arrayBomb(prefix, 'boolean')), 'avro-too-many'],
      [await send(Buffer.alloc(10 * MEGABYTE)), 'record-too-large'],
      [await sendBomb(producer, topic, gzipBomb(400)), 'batch-unreadable'],
    ] as const;
    return new Map(sent.map(([[answer], code]) => [answer!.baseOffset!, code]));
  }

  test('an array bomb of five bytes, a record of 10 MB and a gzip bomb of 400 MB cost a bounded part of it', async () => {
    const prefix = `poison-${randomUUID().slice(0, 8)}-`;
    const settings = { RESCORE_REGISTRY_URL: registry.url };
    const env = { ...settings, RESCORE_KAFKA_TOPIC_PREFIX: prefix };
    expect((await runCli(['schemas', 'register'], { cwd: '/', env })).stderr).toBe('');
    const address = { url: registry.url, username: '', password: '' };
    const codec = await openRegistryCodec({ ...address, topicPrefix: prefix, clock: systemClock });
    const scenario = await Scenario.open({ ...servers(), seed: 12, partitions: 1, prefix, codec, settings });
    const topic = `${prefix}web-events`;
    await raiseLimit(scenario.kafka, topic, 12 * MEGABYTE);
    const producer = scenario.kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    try {
      await producer.connect();
      const [processor] = await scenario.joined('a');
      await scenario.someTraffic(2_000);
      await scenario.rest();
      const before = peakOf(processor!);
      const expected = await sendAll(producer, topic, prefix);
      await scenario.someTraffic(500);
      await scenario.rest();
      const growth = peakOf(processor!) - before;
      process.stdout.write(
        `poison: ${Math.round(before / MEGABYTE)} MB at most before it, ${Math.round(growth / MEGABYTE)} MB more with it\n`,
      );
      const letters = await readAll(scenario.kafka, [`${prefix}dead-letters`]);
      await codec.prepare(
        'dead-letters',
        letters.flatMap(({ value }) => value ?? []),
      );
      const codes = letters
        .map(({ value }) => codec.decodeOutput('dead-letters', value!))
        .filter(({ source }) => source.topic === 'web-events' && expected.has(String(source.offset)))
        .map(({ source, code }) => [String(source.offset), code] as const);
      expect(new Map(codes)).toEqual(expected);
      expect(growth).toBeLessThan(MOST_GROWTH);
      expect((await scenario.verdict()).violations).toEqual([]);
    } finally {
      await producer.disconnect();
      await scenario.close();
    }
  }, 180_000);
});

test('the bomb is small on the wire', () => {
  expect(gzipSync(Buffer.alloc(80 * 1024 * 1024)).length).toBeLessThan(100_000);
});
