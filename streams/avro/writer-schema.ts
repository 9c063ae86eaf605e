/**
 * Schemas that others wrote, made safe to use: a registry is no proof that a schema is small, flat or meant well. What
 * is refused here would cost too much to read, not be wrong in itself; our own schemas use a fraction of each limit.
 */
import { Type } from 'avsc';
import { boundsCheck } from './bounds';
import type { BodyReader } from './codec';
import type { AvroSchema } from './schemas';

const MAX_TEXT = 262_144;
const MAX_NODES = 5_000;
const MAX_DEPTH = 64;
/** Parts of a value that take no byte: the only work that the size of a record does not limit. */
const MAX_WIDTHLESS = 64;

/** @throws Error saying what is wrong with it */
export function parseWriterSchema(text: string): Type {
  if (text.length > MAX_TEXT)
    throw new Error(`it has ${text.length} characters, at most ${MAX_TEXT} are allowed`);
  const json: unknown = JSON.parse(text);
  checkText(json);
  // avsc wants branches of a plain union to be told apart by their values; wrapped ones may be anything.
  return Type.forSchema(json as never, { wrapUnions: true });
}

/** avsc keeps names in plain objects: a field named like one of their own members would not be skipped, or throw. */
function checkName(node: unknown): void {
  if (typeof node !== 'string') return;
  const name = node.replace(/^.*\./s, '');
  if (name in Object.prototype)
    throw new Error(`it has the name ${name}, which JavaScript gives another meaning`);
}

/** Without recursion: depth is one of the things it looks for. */
function checkText(json: unknown): void {
  let level: unknown[] = [json];
  let nodes = 0;
  for (let depth = 0; level.length > 0; depth++) {
    nodes += level.length;
    if (depth > MAX_DEPTH) throw new Error(`it is nested more than ${MAX_DEPTH} levels deep`);
    if (nodes > MAX_NODES) throw new Error(`it has more than ${MAX_NODES} parts`);
    level.forEach(checkName);
    level = level.flatMap(node =>
      node !== null && typeof node === 'object' ? (Object.values(node) as unknown[]) : [],
    );
  }
}

/** @throws Error saying why records of this schema can't be read as ours */
export function readerFor(own: BodyReader, text: string): BodyReader {
  const writer = parseWriterSchema(text);
  if (own.type.equals(writer)) return own;
  // Canonical: names in full, each type defined once, nothing that does not matter to the bytes.
  const schema = writer.schema() as AvroSchema;
  checkWork(schema);
  const resolver = own.type.createResolver(writer, { ignoreNamespaces: true });
  return { type: own.type, check: boundsCheck(schema), resolver };
}

interface Work {
  /** Values of it may have no bytes at all. */
  empty: boolean;
  /** Parts without bytes in one value, those of named types as often as they are used. */
  widthless: number;
}

/** A few records that name each other twice make 2^n parts of no bytes: counted before anything is read. */
function checkWork(schema: AvroSchema): void {
  const { widthless } = workOf(schema, new Map());
  if (widthless > MAX_WIDTHLESS)
    throw new Error(`it has more than ${MAX_WIDTHLESS} parts that take no bytes`);
}

const BYTES: Work = { empty: false, widthless: 0 };
const NOTHING: Work = { empty: true, widthless: 1 };

function workOf(schema: AvroSchema, named: Map<string, Work>): Work {
  if (typeof schema === 'string') {
    if (schema === 'null') return NOTHING;
    return named.get(schema) ?? (PRIMITIVES.has(schema) ? BYTES : recursive(schema));
  }
  if (Array.isArray(schema)) return branching(schema.map(branch => workOf(branch, named)));
  const work = workInside(schema, named);
  if ('name' in schema) named.set(schema.name, work);
  return work;
}

function workInside(schema: Exclude<AvroSchema, string | AvroSchema[]>, named: Map<string, Work>): Work {
  switch (schema.type) {
    case 'record': {
      const fields = schema.fields.map(field => workOf(field.type, named));
      const empty = fields.every(field => field.empty);
      return { empty, widthless: fields.reduce((sum, field) => sum + field.widthless, empty ? 1 : 0) };
    }
    case 'array':
      return branching([workOfItems(schema.items, named)]);
    case 'map':
      return branching([workOf(schema.values, named)]);
    case 'fixed':
      return schema.size === 0 ? NOTHING : BYTES;
    default:
      return BYTES;
  }
}

function workOfItems(items: AvroSchema, named: Map<string, Work>): Work {
  const work = workOf(items, named);
  // A few bytes would announce thousands of them.
  if (work.empty) throw new Error('it has an array of items that take no bytes');
  return work;
}

/** One byte says which, or how many. */
const branching = (branches: readonly Work[]): Work => ({
  empty: false,
  widthless: Math.max(0, ...branches.map(({ widthless }) => widthless)),
});

const PRIMITIVES = new Set(['boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']);

function recursive(name: string): never {
  throw new Error(`its type ${name} contains itself`);
}
