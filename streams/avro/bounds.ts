/**
 * A walk over encoded bytes that checks every length before anything is decoded. avsc believes block counts: five
 * bytes that announce a billion map entries would keep it busy for seconds, so no byte reaches it unchecked.
 */
import { DecodeError } from '../../processors/ports';
import type { AvroSchema } from './schemas';

export const MAX_MAP_ENTRIES = 64;
export const MAX_ARRAY_ITEMS = 10_000;

type Skip = (bytes: Uint8Array, at: number) => number;

const truncated = (): DecodeError =>
  new DecodeError(
    'avro-truncated',
    'The record ends inside a value. Check that the producer sends whole Avro bodies.',
  );

let lastLong = 0;

/** Reads a zigzag long into `lastLong`. */
const skipLong: Skip = (bytes, at) => {
  let value = 0;
  let scale = 1;
  for (let count = 0; count < 10; count++) {
    if (at >= bytes.length) throw truncated();
    const byte = bytes[at++]!;
    value += (byte & 127) * scale;
    if (byte < 128) {
      lastLong = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      return at;
    }
    scale *= 128;
  }
  throw new DecodeError(
    'avro-malformed',
    'The record holds an integer of more than 10 bytes. Check the schema of the producer.',
  );
};

const skipFixed =
  (length: number): Skip =>
  (bytes, at) => {
    if (at + length > bytes.length) throw truncated();
    return at + length;
  };

const skipBytes: Skip = (bytes, at) => {
  const start = skipLong(bytes, at);
  if (lastLong < 0 || start + lastLong > bytes.length) throw truncated();
  return start + lastLong;
};

function skipBranch(branches: readonly Skip[], what: string): Skip {
  return (bytes, at) => {
    const next = skipLong(bytes, at);
    const branch = branches[lastLong];
    if (branch === undefined)
      throw new DecodeError(
        'avro-malformed',
        `The record chooses ${what} ${lastLong}, which the schema does not have.`,
      );
    return branch(bytes, next);
  };
}

const stay: Skip = (_bytes, at) => at;

function skipBlocks(item: Skip, limit: number, what: string): Skip {
  return (bytes, at) => {
    let total = 0;
    for (;;) {
      at = skipLong(bytes, at);
      let count = lastLong;
      if (count === 0) return at;
      if (count < 0) {
        count = -count;
        at = skipLong(bytes, at);
      }
      total += count;
      if (total > limit)
        throw new DecodeError(
          'avro-too-many',
          `The record announces ${total} ${what}; at most ${limit} are allowed.`,
        );
      for (; count > 0; count--) at = item(bytes, at);
    }
  };
}

function compile(schema: AvroSchema, named: Map<string, Skip>): Skip {
  if (typeof schema === 'string') return compilePrimitive(schema, named);
  if (Array.isArray(schema))
    return skipBranch(
      schema.map(branch => compile(branch, named)),
      'union branch',
    );
  switch (schema.type) {
    case 'record': {
      const fields = schema.fields.map(field => compile(field.type, named));
      const skip: Skip = (bytes, at) => fields.reduce((next, field) => field(bytes, next), at);
      named.set(schema.name, skip);
      return skip;
    }
    case 'enum': {
      const skip = skipBranch(
        schema.symbols.map(() => stay),
        'symbol',
      );
      named.set(schema.name, skip);
      return skip;
    }
    case 'array':
      return skipBlocks(compile(schema.items, named), MAX_ARRAY_ITEMS, 'items');
    case 'map': {
      const value = compile(schema.values, named);
      return skipBlocks((bytes, at) => value(bytes, skipBytes(bytes, at)), MAX_MAP_ENTRIES, 'map entries');
    }
    case 'fixed': {
      const skip = skipFixed(schema.size);
      named.set(schema.name, skip);
      return skip;
    }
    default:
      throw new Error(`The schema has a type that rescore does not read: ${JSON.stringify(schema)}.`);
  }
}

function compilePrimitive(name: string, named: Map<string, Skip>): Skip {
  switch (name) {
    case 'null':
      return stay;
    case 'boolean':
      return skipFixed(1);
    case 'int':
    case 'long':
      return skipLong;
    case 'float':
      return skipFixed(4);
    case 'double':
      return skipFixed(8);
    case 'string':
    case 'bytes':
      return skipBytes;
    default: {
      const skip = named.get(name);
      if (skip === undefined) throw new Error(`The schema names the type ${name}, which it does not define.`);
      return skip;
    }
  }
}

/**
 * A check for bodies of one schema, from offset `at` on: throws DecodeError, or the body fits exactly.
 * @throws Error for a schema with a type that is not known
 */
export function boundsCheck(schema: AvroSchema): (bytes: Uint8Array, at: number) => void {
  const skip = compile(schema, new Map());
  return (bytes, at) => {
    const end = skip(bytes, at);
    if (end !== bytes.length)
      throw new DecodeError(
        'avro-trailing',
        `${bytes.length - end} bytes follow the record. Send one record per message.`,
      );
  };
}
