/** Schemas that want to do harm: each is refused with a reason, in no time, and nothing of the process is changed. */
import { FRAME_BYTES } from './frame';
import { ownReader } from './codec';
import { INPUT_SAMPLES } from './samples';
import { loadSchema } from './schemas';
import type { AvroSchema } from './schemas';
import { parseWriterSchema, readerFor } from './writer-schema';

const own = ownReader('orders');
const orders = loadSchema('orders') as {
  type: 'record';
  name: string;
  fields: { name: string; type: AvroSchema }[];
};
const withFields = (...fields: { name: string; type: unknown }[]): string =>
  JSON.stringify({ ...orders, fields: [...orders.fields, ...fields] });

const nested = (depth: number): unknown => {
  let type: unknown = 'int';
  for (let level = 0; level < depth; level++) type = { type: 'array', items: type };
  return type;
};

/** Each record holds the one before twice: 2^40 parts of no bytes, from a schema of 4 KB. */
const doubling = (): { name: string; type: unknown }[] => [
  { name: 'f0', type: { type: 'record', name: 'L0', fields: [{ name: 'nothing', type: 'null' }] } },
  ...Array.from({ length: 40 }, (_, level) => ({
    name: `f${level + 1}`,
    type: {
      type: 'record',
      name: `L${level + 1}`,
      fields: ['a', 'b'].map(name => ({ name, type: `L${level}` })),
    },
  })),
];

const self = { type: 'record', name: 'Self', fields: [{ name: 'next', type: ['null', 'Self'] }] };

test.each([
  ['no JSON', '{', /JSON/],
  ['no schema', '42', /./],
  [
    'too long',
    `{"type":"record","name":"OrderEvent","doc":"${'x'.repeat(300_000)}","fields":[]}`,
    /characters/,
  ],
  ['too deep', withFields({ name: 'deep', type: nested(70) }), /levels deep/],
  ['far too deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, /levels deep/],
  [
    'too many parts',
    withFields(...Array.from({ length: 3_000 }, (_, at) => ({ name: `f${at}`, type: 'int' }))),
    /parts/,
  ],
  ['contains itself', withFields({ name: 'self', type: self }), /contains itself/],
  ['grows without bytes', withFields(...doubling()), /take no bytes/],
  [
    'lists of nothing',
    withFields({ name: 'nulls', type: { type: 'array', items: 'null' } }),
    /take no bytes/,
  ],
  [
    'lists of empty records',
    withFields({ name: 'n', type: { type: 'array', items: { type: 'record', name: 'E', fields: [] } } }),
    /take no bytes/,
  ],
  ['a name that is code', withFields({ name: 'a);process.exit(9);(', type: 'int' }), /invalid/],
  ['a type that does not exist', withFields({ name: 'a', type: 'Nowhere' }), /undefined type/],
  ['another record', JSON.stringify({ type: 'record', name: 'Other', fields: [] }), /Other/],
  [
    'a field of another type',
    JSON.stringify({
      ...orders,
      fields: orders.fields.map(one => (one.name === 'messageId' ? { ...one, type: 'long' } : one)),
    }),
    /cannot read/,
  ],
])('%s', (_what, text, why) => expect(() => readerFor(own, text)).toThrow(why));

test.each(['__proto__', 'constructor', 'hasOwnProperty', 'com.shop.toString'])(
  'the name %s is refused: avsc would not even skip such a field',
  name => {
    expect(() => readerFor(own, withFields({ name, type: 'string' }))).toThrow(/JavaScript/);
    expect(() =>
      readerFor(own, withFields({ name: 'one', type: { type: 'record', name, fields: [] } })),
    ).toThrow(/JavaScript/);
  },
);

test('a map key __proto__ of another writer changes no prototype', () => {
  const reader = readerFor(own, withFields({ name: 'tags', type: { type: 'map', values: 'string' } }));
  const first = own.type.toBuffer(INPUT_SAMPLES.orders);
  const rest = Buffer.from([2, 18, ...Buffer.from('__proto__'), 2, 120, 0]);
  const bytes = Buffer.concat([Buffer.alloc(FRAME_BYTES), first, rest]);
  reader.check(bytes, FRAME_BYTES);
  const value = reader.type.decode(bytes, FRAME_BYTES, reader.resolver).value as object;
  expect(Object.keys(value)).toEqual(Object.keys(INPUT_SAMPLES.orders));
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});

test('a bomb in a field that we do not even read is refused by the bounds of the writer', () => {
  const reader = readerFor(own, withFields({ name: 'more', type: { type: 'array', items: 'boolean' } }));
  const body = Buffer.concat([
    Buffer.alloc(FRAME_BYTES),
    own.type.toBuffer(INPUT_SAMPLES.orders),
    Buffer.from('feffffff0f', 'hex'),
  ]);
  expect(() => reader.check(body, FRAME_BYTES)).toThrow(
    'The record announces 2147483647 items; at most 10000',
  );
});

test('what Java writes into schemas is read', () => {
  const java = JSON.parse(
    JSON.stringify(orders).replaceAll('"string"', '{"type":"string","avro.java.string":"String"}'),
  ) as typeof orders;
  const stamped = java.fields.map(one =>
    one.name === 'sentAt'
      ? { ...one, type: ['null', { type: 'long', logicalType: 'timestamp-millis' }] }
      : one,
  );
  const reader = readerFor(own, JSON.stringify({ ...java, namespace: 'com.shop', fields: stamped }));
  const bytes = Buffer.concat([Buffer.alloc(FRAME_BYTES), own.type.toBuffer(INPUT_SAMPLES.orders)]);
  reader.check(bytes, FRAME_BYTES);
  expect(reader.type.decode(bytes, FRAME_BYTES, reader.resolver).value).toEqual(
    own.type.fromBuffer(bytes.subarray(FRAME_BYTES)),
  );
});

test('floats and fixed values have their bounds', () => {
  const reader = readerFor(
    own,
    withFields({ name: 'f', type: 'float' }, { name: 'h', type: { type: 'fixed', name: 'H', size: 3 } }),
  );
  const whole = Buffer.concat([
    Buffer.alloc(FRAME_BYTES),
    own.type.toBuffer(INPUT_SAMPLES.orders),
    Buffer.alloc(7),
  ]);
  expect(() => reader.check(whole, FRAME_BYTES)).not.toThrow();
  expect(() => reader.check(whole.subarray(0, -1), FRAME_BYTES)).toThrow('ends inside a value');
});

test('parsing leaves no type behind for the next schema', () => {
  parseWriterSchema(withFields({ name: 'mine', type: { type: 'fixed', name: 'Mine', size: 1 } }));
  expect(() => parseWriterSchema(withFields({ name: 'yours', type: 'Mine' }))).toThrow(/undefined type/);
});
