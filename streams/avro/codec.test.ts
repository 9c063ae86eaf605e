import { readFileSync } from 'node:fs';
import path from 'node:path';
import { DecodeError } from '../../processors/ports';
import type { InputTopic, OutputTopic, WireInputs, WireOutputs } from '../../schemas';
import { createAvroCodec } from './codec';
import { INPUT_SAMPLES, OUTPUT_SAMPLES } from './samples';

const codec = createAvroCodec();
const inputs = Object.entries(INPUT_SAMPLES) as [InputTopic, WireInputs[InputTopic]][];
const outputs = Object.entries(OUTPUT_SAMPLES) as [OutputTopic, WireOutputs[OutputTopic]][];
const frozenOf = (version: number): Record<string, string> =>
  JSON.parse(readFileSync(path.join(__dirname, 'frozen', `messages-v${version}.json`), 'utf8')) as Record<
    string,
    string
  >;
const frozen = frozenOf(1);
/** Fields that came after version 1: read as their defaults. */
const LATER: Readonly<Record<string, object>> = { 'engagement-scores': { vector: null } };
/** Bytes as hex, whatever class holds them. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replace(/ /g, ''), 'hex'));

describe.each(inputs)('%s', (topic, sample) => {
  test('what is read is what was written', () =>
    expect(plain(codec.decode(topic, codec.encodeInput(topic, sample)))).toEqual(plain(sample)));
  test('the frozen message of version 1 is read for ever', () =>
    expect(plain(codec.decode(topic, bytesOf(frozen[topic]!)))).toEqual(plain(sample)));
  test('every truncation is refused', () => {
    const bytes = codec.encodeInput(topic, sample);
    for (let length = 0; length < bytes.length; length++)
      expect(() => codec.decode(topic, bytes.subarray(0, length))).toThrow(DecodeError);
  });
});

describe.each(outputs)('%s', (topic, sample) => {
  test('what is read is what was written', () =>
    expect(plain(codec.decodeOutput(topic, codec.encode(topic, sample)))).toEqual(plain(sample)));
  test('the frozen message of version 1 is read for ever', () =>
    expect(plain(codec.decodeOutput(topic, bytesOf(frozen[topic]!)))).toEqual({
      ...(plain(sample) as object),
      ...LATER[topic],
    }));
});

test('a score of version 2 has the vector that it was made of', () =>
  expect(plain(codec.decodeOutput('engagement-scores', bytesOf(frozenOf(2)['engagement-scores']!)))).toEqual(
    plain(OUTPUT_SAMPLES['engagement-scores']),
  ));

/** Each malformed record with the exact error that it gets. */
const command = (body: string): string => `00 00000004 ${body}`;
const MALFORMED: [name: string, topic: InputTopic, hex: string, code: string, reason: string][] = [
  [
    'nothing at all',
    'orders',
    '',
    'avro-magic',
    'The record does not begin with the magic byte 0 and a schema id. Send Avro in the Confluent format.',
  ],
  [
    'JSON instead of Avro',
    'orders',
    '7b22757365724964223a2231227d',
    'avro-magic',
    'The record does not begin with the magic byte 0 and a schema id. Send Avro in the Confluent format.',
  ],
  [
    'a frame without its id',
    'orders',
    '00 0000',
    'avro-magic',
    'The record does not begin with the magic byte 0 and a schema id. Send Avro in the Confluent format.',
  ],
  [
    'an unknown schema id',
    'orders',
    '00 000003e7 00',
    'avro-schema-id',
    'The record names schema id 999, which is not allowed on orders. Allowed: 2.',
  ],
  [
    'the schema of another topic',
    'orders',
    '00 00000001 00',
    'avro-schema-id',
    'The record names schema id 1, which is not allowed on orders. Allowed: 2.',
  ],
  [
    'a body that is missing',
    'customer-commands',
    command(''),
    'avro-truncated',
    'The record ends inside a value. Check that the producer sends whole Avro bodies.',
  ],
  [
    'a text longer than the record',
    'customer-commands',
    command('fe01 61'),
    'avro-truncated',
    'The record ends inside a value. Check that the producer sends whole Avro bodies.',
  ],
  [
    'a text of negative length',
    'customer-commands',
    command('01'),
    'avro-truncated',
    'The record ends inside a value. Check that the producer sends whole Avro bodies.',
  ],
  [
    'an enum symbol that does not exist',
    'customer-commands',
    command('0261 0a 00 00 00 00 00'),
    'avro-malformed',
    'The record chooses symbol 5, which the schema does not have.',
  ],
  [
    'a union branch that does not exist',
    'customer-commands',
    command('0261 00 06 00 00 00 00'),
    'avro-malformed',
    'The record chooses union branch 3, which the schema does not have.',
  ],
  [
    'an integer without an end',
    'customer-commands',
    command('ffffffffffffffffffffff'),
    'avro-malformed',
    'The record holds an integer of more than 10 bytes. Check the schema of the producer.',
  ],
  [
    'bytes after the record',
    'customer-commands',
    command('0261 04 00 00 00 00 00 ff'),
    'avro-trailing',
    '1 bytes follow the record. Send one record per message.',
  ],
];
const mapBody = (entries: string): string =>
  `00 00000001 0261 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ${entries}`;
const MALFORMED_MAPS: typeof MALFORMED = [
  [
    'a map bomb of five bytes',
    'web-events',
    mapBody('feffffff0f'),
    'avro-too-many',
    'The record announces 2147483647 map entries; at most 64 are allowed.',
  ],
  [
    'a map that claims its size in a negative block',
    'web-events',
    mapBody('ff01 00'),
    'avro-too-many',
    'The record announces 128 map entries; at most 64 are allowed.',
  ],
];

test.each([...MALFORMED, ...MALFORMED_MAPS])('%s is refused', (_name, topic, hex, code, reason) => {
  try {
    codec.decode(topic, bytesOf(hex));
    throw new Error('was accepted');
  } catch (error) {
    expect(error).toMatchObject({ name: 'DecodeError', code, message: reason });
  }
});

test('a record above the limit is refused before it is read', () =>
  expect(() => codec.decode('orders', new Uint8Array(1_048_577))).toThrow(
    'The record has 1048577 bytes; at most 1048576 are allowed.',
  ));

test('a map key __proto__ changes no prototype', () => {
  const properties = JSON.parse('{"__proto__":"x","a":"b"}') as Record<string, string>;
  const decoded = codec.decode(
    'web-events',
    codec.encodeInput('web-events', { ...INPUT_SAMPLES['web-events'], properties }),
  );
  expect(Object.getPrototypeOf(decoded.properties)).toBe(Object.prototype);
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  expect(decoded.properties['a']).toBe('b');
});
