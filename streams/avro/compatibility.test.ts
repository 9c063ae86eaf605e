/** Changes to a schema, with the verdict: what reads what was written before. avsc's own resolver has to agree. */
import type { Schema } from 'avsc';
import { incompatibilities } from './compatibility';
import { judge, judgeTopic, readHistory } from './history';
import { historyFolder } from './schemas';
import { parseWriterSchema } from './writer-schema';

const record = (...fields: object[]): object => ({
  type: 'record',
  name: 'Order',
  namespace: 'dev.rescore',
  fields,
});
const field = (name: string, type: Schema | object, more: object = {}): object => ({ name, type, ...more });
const kind = (symbols: string[], more: object = {}): object => ({
  type: 'enum',
  name: 'Kind',
  symbols,
  ...more,
});
const money = (...fields: object[]): object => ({ type: 'record', name: 'Money', fields });
const id = field('id', 'string');

type Change = readonly [what: string, before: unknown, after: unknown, problems: readonly string[]];

const CHANGES: readonly Change[] = [
  ['nothing', record(id), record(id), []],
  ['documentation', record(id), record(field('id', 'string', { doc: 'Unique.' })), []],
  [
    'a new field with a default',
    record(id),
    record(id, field('note', ['null', 'string'], { default: null })),
    [],
  ],
  [
    'a new field without one',
    record(id),
    record(id, field('note', 'string')),
    ['note: is new and has no default'],
  ],
  ['a field is dropped', record(id, field('note', 'string')), record(id), []],
  [
    'a field is renamed',
    record(id),
    record(field('orderId', 'string')),
    ['orderId: is new and has no default'],
  ],
  [
    'a field is renamed with an alias',
    record(id),
    record(field('orderId', 'string', { aliases: ['id'] })),
    [],
  ],
  ['fields change places', record(id, field('a', 'int')), record(field('a', 'int'), id), []],
  ['int becomes long', record(field('a', 'int')), record(field('a', 'long')), []],
  ['long becomes double', record(field('a', 'long')), record(field('a', 'double')), []],
  [
    'long becomes int',
    record(field('a', 'long')),
    record(field('a', 'int')),
    ["a: was long, which can't be read as int"],
  ],
  [
    'double becomes long',
    record(field('a', 'double')),
    record(field('a', 'long')),
    ["a: was double, which can't be read as long"],
  ],
  ['string becomes bytes', record(id), record(field('id', 'bytes')), []],
  [
    'text becomes a number',
    record(id),
    record(field('id', 'long')),
    ["id: was string, which can't be read as long"],
  ],
  ['a value may now be null', record(id), record(field('id', ['null', 'string'])), []],
  [
    'a value must not be null any more',
    record(field('id', ['null', 'string'])),
    record(id),
    ["id: could be null, which string can't be"],
  ],
  [
    'a branch is taken from a union',
    record(field('a', ['null', 'string', 'long'])),
    record(field('a', ['null', 'long'])),
    ['a: could be string, now only one of null, long'],
  ],
  [
    'a branch is added',
    record(field('a', ['null', 'long'])),
    record(field('a', ['null', 'long', 'string'])),
    [],
  ],
  ['a symbol is added', record(field('k', kind(['a']))), record(field('k', kind(['a', 'b']))), []],
  [
    'a symbol is dropped',
    record(field('k', kind(['a', 'b']))),
    record(field('k', kind(['a']))),
    ['k: the symbol b is gone, and there is no default'],
  ],
  [
    'a symbol is dropped, with a default',
    record(field('k', kind(['a', 'b']))),
    record(field('k', kind(['a'], { default: 'a' }))),
    [],
  ],
  [
    'a required field deep inside',
    record(field('lines', { type: 'array', items: money(field('minor', 'long')) })),
    record(
      field('lines', { type: 'array', items: money(field('minor', 'long'), field('currency', 'string')) }),
    ),
    ['lines[].currency: is new and has no default'],
  ],
  [
    'inside a union',
    record(field('price', ['null', money(field('minor', 'long'))])),
    record(field('price', ['null', money(field('minor', 'string'))])),
    ["price.minor: was long, which can't be read as string"],
  ],
  [
    'values of a map',
    record(field('tags', { type: 'map', values: 'string' })),
    record(field('tags', { type: 'map', values: 'long' })),
    ["tags{}: was string, which can't be read as long"],
  ],
  [
    'a fixed of another size',
    record(field('h', { type: 'fixed', name: 'Hash', size: 8 })),
    record(field('h', { type: 'fixed', name: 'Hash', size: 16 })),
    ['h: had 8 bytes, now it has 16'],
  ],
  [
    'a record is renamed',
    record(field('price', money(field('minor', 'long')))),
    record(field('price', { ...money(field('minor', 'long')), name: 'Amount' })),
    ['price: the type Money is now named Amount, without an alias'],
  ],
  ['another namespace', record(id), { ...record(id), namespace: 'com.shop' }, []],
  [
    'two at once',
    record(field('a', 'string'), field('b', 'string')),
    record(field('a', 'int'), field('c', 'string')),
    ["a: was string, which can't be read as int", 'c: is new and has no default'],
  ],
];

describe.each(CHANGES)('%s', (_what, before, after, problems) => {
  const [writer, reader] = [
    parseWriterSchema(JSON.stringify(before)),
    parseWriterSchema(JSON.stringify(after)),
  ];

  test('is judged', () =>
    expect(incompatibilities(reader, writer).map(({ field: at, why }) => `${at}: ${why}`)).toEqual(problems));

  test('as a reader would find it', () => {
    const resolve = (): unknown => reader.createResolver(writer, { ignoreNamespaces: true });
    if (problems.length === 0) expect(resolve).not.toThrow();
    else expect(resolve).toThrow();
  });
});

test('every version counts, not only the newest', () => {
  const versions = [
    record(id, field('a', 'string')),
    record(id, field('a', 'string', { default: '' })),
    record(id),
  ].map((schema, at) => ({ version: at + 1, schema: JSON.stringify(schema) }));
  const verdict = judgeTopic(
    'orders',
    versions,
    JSON.stringify(record(id, field('a', 'long', { default: 0 }))),
  );
  expect(verdict.problems.map(({ version, field: at }) => [version, at])).toEqual([
    [1, 'a'],
    [2, 'a'],
  ]);
});

test('a version that is no schema is a problem of its own', () =>
  expect(judgeTopic('orders', [{ version: 1, schema: '{' }]).problems).toMatchObject([
    { version: 1, why: expect.stringContaining("can't be read as an Avro schema") as string },
  ]));

test('the schemas of this release read every release, and the newest is in the history', () => {
  for (const { topic, versions, current, problems } of judge(readHistory(historyFolder())))
    expect({ topic, problems, current, any: versions.length > 0 }).toEqual({
      topic,
      problems: [],
      current: true,
      any: true,
    });
});
