/** Messages of every release are read for ever; and what evolution looks like from the other side. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { Type } from 'avsc';
import { FRAME_BYTES } from './frame';
import { ALL_TOPICS, ownReader } from './codec';
import { incompatibilities } from './compatibility';
import { judgeTopic, readHistory } from './history';
import { INPUT_SAMPLES } from './samples';
import { historyFolder, loadSchema } from './schemas';
import type { AvroSchema } from './schemas';
import { parseWriterSchema, readerFor } from './writer-schema';

const history = readHistory(historyFolder());
const frozenFolder = path.join(__dirname, 'frozen');

/** Messages of a version; those of a topic that did not change with it are those of the version before. */
const frozen = (version: number): Record<string, string> =>
  JSON.parse(readFileSync(path.join(frozenFolder, `messages-v${version}.json`), 'utf8')) as Record<
    string,
    string
  >;

const read = (reader: ReturnType<typeof readerFor>, bytes: Buffer): unknown => {
  reader.check(bytes, FRAME_BYTES);
  return reader.type.decode(bytes, FRAME_BYTES, reader.resolver).value;
};

/** As plain JSON: classes and prototypes do not matter. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const versions = ALL_TOPICS.flatMap(topic =>
  history.get(topic)!.map(({ version, schema }) => ({ topic, version, schema })),
);

test.each(versions)(
  '$topic, version $version: its frozen message is read by the type of today',
  ({ topic, version, schema }) => {
    const own = ownReader(topic);
    const bytes = Buffer.from(frozen(version)[topic]!, 'hex');
    const value = read(readerFor(own, schema), bytes);
    expect(own.type.isValid(value)).toBe(true);
    // The same through a resolver, as another writer's would be.
    const resolver = own.type.createResolver(parseWriterSchema(schema));
    expect(plain(own.type.decode(bytes, FRAME_BYTES, resolver).value)).toEqual(plain(value));
  },
);

test('every version has its frozen messages', () =>
  expect(readdirSync(frozenFolder).sort()).toEqual(
    [...new Set(versions.map(({ version }) => `messages-v${version}.json`))].sort(),
  ));

/** A version that nobody has released: a new optional field, a dropped one, a field that may be null, wider numbers. */
function nextOrders(): AvroSchema {
  const schema = loadSchema('orders') as {
    type: 'record';
    name: string;
    fields: { name: string; type: AvroSchema }[];
  };
  return {
    ...schema,
    fields: [
      ...schema.fields.filter(({ name }) => name !== 'sentAt'),
      { name: 'salesChannel', type: ['null', 'string'], default: null } as never,
      { name: 'giftCards', type: { type: 'array', items: 'string' }, default: [] } as never,
    ],
  };
}

describe('a version 2 of orders', () => {
  const text = JSON.stringify(nextOrders());
  const sample = INPUT_SAMPLES.orders;

  test('reads version 1', () => {
    expect(judgeTopic('orders', history.get('orders')!, text).problems).toEqual([]);
    const next = Type.forSchema(nextOrders() as never, { wrapUnions: false });
    const first = Buffer.from(frozen(1)['orders']!, 'hex');
    const resolver = next.createResolver(parseWriterSchema(history.get('orders')![0]!.schema));
    const { sentAt: _dropped, ...rest } = sample;
    expect(plain(next.decode(first, FRAME_BYTES, resolver).value)).toEqual({
      ...rest,
      salesChannel: null,
      giftCards: [],
    });
  });

  test('is read by this release while processors are replaced one by one', () => {
    const next = Type.forSchema(nextOrders() as never, { wrapUnions: false });
    const { sentAt: _dropped, ...rest } = sample;
    const body = next.toBuffer({ ...rest, salesChannel: 'shop', giftCards: ['a', 'b'] });
    const value = read(
      readerFor(ownReader('orders'), text),
      Buffer.concat([Buffer.from([0, 0, 0, 0, 2]), body]),
    );
    expect(plain(value)).toEqual({ ...(plain(sample) as object), sentAt: null });
  });

  test('and the other way round it would not be, had the field no default', () => {
    const strict = JSON.parse(text) as { fields: { name: string; default?: unknown }[] };
    for (const field of strict.fields) if (field.name === 'salesChannel') delete field.default;
    const [reader, writer] = [
      parseWriterSchema(JSON.stringify(strict)),
      parseWriterSchema(JSON.stringify(loadSchema('orders'))),
    ];
    expect(incompatibilities(reader, writer)).toEqual([
      { field: 'salesChannel', why: 'is new and has no default' },
    ]);
  });
});
