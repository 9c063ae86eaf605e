/** The codec against a real registry; a proxy before it counts what is asked, and falls silent. */
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import type { InputTopic, OutputTopic, WireInputs, WireOutputs } from '../../schemas';
import { describeWithServers } from '../testing/describe';
import { startRegistry } from '../testing/servers';
import { ALL_TOPICS, createAvroCodec } from './codec';
import { RegistryClient } from './registry-client';
import { openRegistryCodec, subjectOf } from './registry-codec';
import { INPUT_SAMPLES, OUTPUT_SAMPLES } from './samples';
import { loadSchema, schemaText } from './schemas';
import type { AnyTopic } from './schemas';
import { ManualClock } from './testing/manual-clock';
import { RegistryProxy } from './testing/registry-proxy';

type Fields = { name: string; type: unknown; default?: unknown }[];
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const framed = (id: number, body: Uint8Array): Uint8Array => {
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(id, 1);
  return Buffer.concat([frame, body]);
};

/** Of another producer: without one of our optional fields, with one of its own. */
function foreignSchema(topic: AnyTopic): string {
  const schema = loadSchema(topic) as { fields: Fields };
  const fields = schema.fields.filter(({ name }) => name !== 'sentAt');
  return JSON.stringify({
    ...schema,
    fields: [...fields, { name: 'shelf', type: ['null', 'string', 'long'] }],
  });
}

describeWithServers('the codec of a registry', () => {
  let server: Awaited<ReturnType<typeof startRegistry>>;
  let proxy: RegistryProxy;
  let prefix = '';
  let prefixes = 0;
  const clock = new ManualClock();

  beforeAll(async () => void (server = await startRegistry()), 180_000);
  afterAll(() => server.stop());
  beforeEach(async () => {
    proxy = await RegistryProxy.open(server.url);
    prefix = `t${prefixes++}-`;
  });
  afterEach(() => proxy.close());

  const address = () => ({ url: proxy.url, username: '', password: '' });
  const client = () => new RegistryClient(address(), clock);
  const register = (topic: AnyTopic, text: string) => client().register(subjectOf(prefix, topic), text);
  async function registerOurs(): Promise<void> {
    for (const topic of ALL_TOPICS) await register(topic, schemaText(topic));
  }
  const open = (writes = true) => openRegistryCodec({ ...address(), topicPrefix: prefix, clock, writes });
  /** A codec with our schemas registered, and nothing asked yet. */
  async function opened(): Promise<Awaited<ReturnType<typeof open>>> {
    await registerOurs();
    const codec = await open();
    proxy.asked.length = 0;
    return codec;
  }

  /** An order as the producers' library would write it. */
  async function foreignOrder(topic: InputTopic = 'orders', text = foreignSchema(topic)): Promise<Buffer> {
    const registry = new SchemaRegistry({ host: server.url });
    const subject = subjectOf(prefix, topic);
    const { id } = await registry.register({ type: SchemaType.AVRO, schema: text }, { subject });
    const { sentAt: _unknown, ...order } = INPUT_SAMPLES.orders;
    return registry.encode(id, { ...order, shelf: 'b7' });
  }

  test('schemas that are not registered are named, with the command that does it', async () => {
    await register('orders', schemaText('orders'));
    await expect(open()).rejects.toMatchObject({
      code: 'schemas-unregistered',
      message: expect.stringMatching(/customers-value.*web-events-value/) as string,
    });
    const reader = await open(false);
    expect(() => reader.encodeInput('orders', INPUT_SAMPLES.orders)).toThrow('opened for reading');
  });

  test('what is written carries the ids of the registry, and is read again', async () => {
    const codec = await opened();
    const other = await open(false);
    const builtIn = createAvroCodec();
    const sampleOf = (topic: InputTopic) =>
      builtIn.decode(topic, builtIn.encodeInput(topic, INPUT_SAMPLES[topic]));
    for (const [topic, sample] of Object.entries(INPUT_SAMPLES) as [InputTopic, WireInputs[InputTopic]][]) {
      const bytes = codec.encodeInput(topic, sample);
      expect(Buffer.from(bytes.subarray(5))).toEqual(
        Buffer.from(builtIn.encodeInput(topic, sample).subarray(5)),
      );
      expect(plain(codec.decode(topic, bytes))).toEqual(plain(sampleOf(topic)));
      await other.prepare(topic, [bytes]);
      expect(plain(other.decode(topic, bytes))).toEqual(plain(codec.decode(topic, bytes)));
    }
    for (const [topic, sample] of Object.entries(OUTPUT_SAMPLES) as [
      OutputTopic,
      WireOutputs[OutputTopic],
    ][]) {
      const bytes = codec.encode(topic, sample);
      await other.prepare(topic, [bytes]);
      expect(plain(other.decodeOutput(topic, bytes))).toEqual(plain(codec.decodeOutput(topic, bytes)));
    }
  });

  test("a consumer with the producers' library reads our scores", async () => {
    const codec = await opened();
    const registry = new SchemaRegistry({ host: server.url });
    const bytes = Buffer.from(codec.encode('engagement-scores', OUTPUT_SAMPLES['engagement-scores']));
    expect(await registry.decode(bytes)).toMatchObject({ customerId: 'kim', engagement: 0.25 });
  });

  test('another version of a schema is resolved to ours', async () => {
    const codec = await opened();
    const bytes = await foreignOrder();
    await codec.prepare('orders', [bytes]);
    expect(plain(codec.decode('orders', bytes))).toEqual({ ...INPUT_SAMPLES.orders, sentAt: null });
  });

  test('an unknown id in 10,000 records is one question in 60 s', async () => {
    const codec = await opened();
    const records = Array.from({ length: 10_000 }, () => framed(77_777, Uint8Array.of(1)));
    const about = () => proxy.asked.filter(line => line.includes('77777')).length;
    await Promise.all([codec.prepare('orders', records), codec.prepare('orders', records)]);
    for (const record of records)
      expect(() => codec.decode('orders', record)).toThrow(
        `The record names schema id 77777, which is not allowed on orders. The registry does not know it: register the producer's schema under ${prefix}orders-value.`,
      );
    clock.advance(59_999);
    await codec.prepare('orders', records);
    expect(about()).toBe(1);
    clock.advance(1);
    await codec.prepare('orders', records);
    expect(about()).toBe(2);
  });

  test('an id that is registered later is taken after that minute', async () => {
    const codec = await opened();
    const bytes = await foreignOrder('customers', foreignSchema('orders'));
    await codec.prepare('orders', [bytes]);
    expect(() => codec.decode('orders', bytes)).toThrow(
      /which is not allowed on orders\. It is not registered under t\d+-orders-value: send the record/,
    );
    await register('orders', foreignSchema('orders'));
    clock.advance(60_000);
    await codec.prepare('orders', [bytes]);
    expect(codec.decode('orders', bytes).messageId).toBe('m-1');
  });

  test('an id of another subject is refused, although its bytes would fit', async () => {
    const codec = await opened();
    const [text, other] = [foreignSchema('orders'), `${prefix}elsewhere-value`];
    const id = await client().register(other, text);
    const bytes = framed(id, codec.encodeInput('orders', INPUT_SAMPLES.orders).subarray(5));
    await codec.prepare('orders', [bytes]);
    expect(() => codec.decode('orders', bytes)).toThrow(expect.objectContaining({ code: 'avro-schema-id' }));
    const mail = codec.encodeInput('customer-mail', INPUT_SAMPLES['customer-mail']);
    await codec.prepare('orders', [mail]);
    expect(() => codec.decode('orders', mail)).toThrow(expect.objectContaining({ code: 'avro-schema-id' }));
  });

  test.each<[string, (codec: Awaited<ReturnType<typeof open>>) => Uint8Array, string]>([
    ['no magic byte', () => Uint8Array.of(9, 0, 0, 0, 1), 'avro-magic'],
    ['no bytes', () => new Uint8Array(0), 'avro-magic'],
    ['too large', () => new Uint8Array(1_048_577), 'record-too-large'],
    [
      'truncated',
      codec => codec.encodeInput('orders', INPUT_SAMPLES.orders).subarray(0, 12),
      'avro-truncated',
    ],
    [
      'bytes behind it',
      codec => Buffer.concat([codec.encodeInput('orders', INPUT_SAMPLES.orders), Buffer.of(1)]),
      'avro-trailing',
    ],
  ])('%s is refused with the code of the built-in codec, and asks nothing', async (_what, make, code) => {
    const codec = await opened();
    const bytes = make(codec);
    await codec.prepare('orders', [bytes]);
    expect(() => codec.decode('orders', bytes)).toThrow(
      expect.objectContaining({ name: 'DecodeError', code }),
    );
    expect(proxy.asked).toEqual([]);
  });

  test("the bounds are those of the writer's schema", async () => {
    const codec = await opened();
    const text = JSON.stringify({
      ...(loadSchema('orders') as object),
      fields: [
        ...(loadSchema('orders') as { fields: Fields }).fields,
        { name: 'more', type: { type: 'array', items: 'int' } },
      ],
    });
    const id = await register('orders', text);
    const body = codec.encodeInput('orders', INPUT_SAMPLES.orders).subarray(5);
    const bytes = framed(id, Buffer.concat([body, Buffer.from('feffffff0f', 'hex')]));
    await codec.prepare('orders', [bytes]);
    expect(() => codec.decode('orders', bytes)).toThrow(expect.objectContaining({ code: 'avro-too-many' }));
  });

  test('a schema that can not be ours is refused with the names of both', async () => {
    const codec = await opened();
    const { fields } = loadSchema('orders') as { fields: Fields };
    const text = JSON.stringify({
      ...(loadSchema('orders') as object),
      fields: fields.filter(({ name }) => name !== 'messageId'),
    });
    const id = await register('orders', text);
    await codec.prepare('orders', [framed(id, Uint8Array.of(0))]);
    expect(() => codec.decode('orders', framed(id, Uint8Array.of(0)))).toThrow(
      expect.objectContaining({
        code: 'avro-schema-unusable',
        message: expect.stringMatching(
          /^The writer's schema \d+ of t\d+-orders-value can't be read as dev\.rescore\.OrderEvent of this release: no matching field for default-less dev\.rescore\.OrderEvent\.messageId\. /,
        ) as string,
      }),
    );
  });

  test('mail that holds an input of another writer is read to its end', async () => {
    const codec = await opened();
    const value = await foreignOrder();
    const mail = {
      ...INPUT_SAMPLES['customer-mail'],
      interaction: null,
      forwarded: { topic: 'orders' as const, value },
    };
    const bytes = codec.encodeInput('customer-mail', mail);
    await codec.prepare('customer-mail', [bytes]);
    const { forwarded } = codec.decode('customer-mail', bytes);
    expect(codec.decode('orders', forwarded!.value).messageId).toBe('m-1');
  });

  test('a silent registry: the page waits 5 s, known ids go on, and it is left alone for a while', async () => {
    const codec = await opened();
    const [known, unknown] = [codec.encodeInput('orders', INPUT_SAMPLES.orders), await foreignOrder()];
    proxy.asked.length = 0;
    proxy.silent = true;
    const prepared = codec.prepare('orders', [known, unknown]);
    const rejected = expect(prepared).rejects.toMatchObject({ code: 'registry-unreachable', timedOut: true });
    await proxy.heard(1);
    clock.advance(5_000);
    await rejected;
    await codec.prepare('orders', [known]);
    expect(codec.decode('orders', known).messageId).toBe('m-1');
    await expect(codec.prepare('orders', [unknown])).rejects.toThrow('not asked again yet');
    expect(proxy.asked).toHaveLength(1);
    proxy.silent = false;
    clock.advance(15_000);
    await codec.prepare('orders', [unknown]);
    expect(codec.decode('orders', unknown).messageId).toBe('m-1');
  });

  test('a registry that goes down in the middle: known ids go on, others wait', async () => {
    const codec = await opened();
    const [known, unknown] = [await foreignOrder(), framed(99_999, Uint8Array.of(1))];
    await codec.prepare('orders', [known]);
    await proxy.close();
    await codec.prepare('orders', [known]);
    expect(codec.decode('orders', known).messageId).toBe('m-1');
    await expect(codec.prepare('orders', [known, unknown])).rejects.toMatchObject({
      name: 'RegistryError',
      code: 'registry-unreachable',
      message: expect.stringMatching(/^The registry at http:\/\/127\.0\.0\.1:\d+: .+\.$/) as string,
    });
  });

  test('something else at that address is no reason for dead letters', async () => {
    const codec = await opened();
    const wrong = new RegistryClient({ ...address(), url: `${proxy.url}/nowhere` }, clock);
    await expect(wrong.subjectsOf(1)).rejects.toMatchObject({ code: 'registry-refused' });
    expect(codec.encodeInput('orders', INPUT_SAMPLES.orders)[0]).toBe(0);
  });

  test('user and password are sent, and never shown', async () => {
    const secret = new RegistryClient({ url: proxy.url, username: 'kim', password: 'correct-horse' }, clock);
    await secret.versionsOf('nothing-value');
    const inside = new RegistryClient(
      { url: proxy.url.replace('//', '//lee:battery@'), username: '', password: '' },
      clock,
    );
    await inside.versionsOf('nothing-value');
    expect([...proxy.authorizations]).toEqual(
      ['kim:correct-horse', 'lee:battery'].map(text => `Basic ${Buffer.from(text).toString('base64')}`),
    );
    expect(inside.shownUrl).toBe(proxy.url);
  });
});
