/**
 * Can a schema read what was written with another? The rules of Avro's schema resolution, answered with every field
 * that stands in the way and why. A registry only says no, and some test servers always say yes.
 */
import { types, type Type } from 'avsc';

export interface Incompatibility {
  /** For example `order.currency`, `reasons[].model`, `properties{}`; empty for the record itself. */
  field: string;
  why: string;
}

/** What of another kind a kind can read. */
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  string: ['bytes'],
  bytes: ['string'],
};

const unqualified = (name: string | undefined): string => (name ?? '').replace(/^.*\./, '');

const shown = (type: Type): string =>
  type instanceof types.WrappedUnionType
    ? `one of ${type.types.map(shown).join(', ')}`
    : type.name === undefined
      ? type.typeName
      : `${type.typeName} ${unqualified(type.name)}`;

const within = (path: string, field: string): string => (path === '' ? field : `${path}.${field}`);

interface Walk {
  /** Pairs of records that are being compared further up. */
  open: Set<string>;
}

/** Every reason why `reader` can't read records of `writer`; none: it can. */
export const incompatibilities = (reader: Type, writer: Type): Incompatibility[] =>
  compare(reader, writer, '', { open: new Set() });

function compare(reader: Type, writer: Type, path: string, walk: Walk): Incompatibility[] {
  if (writer instanceof types.WrappedUnionType)
    return writer.types.flatMap(branch => compareBranch(reader, branch, path, walk));
  if (reader instanceof types.WrappedUnionType) return compareBranch(reader, writer, path, walk);
  if (reader instanceof types.RecordType && writer instanceof types.RecordType)
    return compareRecords(reader, writer, path, walk);
  if (reader instanceof types.EnumType && writer instanceof types.EnumType)
    return compareEnums(reader, writer, path);
  if (reader instanceof types.ArrayType && writer instanceof types.ArrayType)
    return compare(reader.itemsType, writer.itemsType, `${path}[]`, walk);
  if (reader instanceof types.MapType && writer instanceof types.MapType)
    return compare(reader.valuesType, writer.valuesType, `${path}{}`, walk);
  if (reader instanceof types.FixedType && writer instanceof types.FixedType)
    return compareFixed(reader, writer, path);
  const { typeName } = writer;
  if (reader.typeName === typeName || PROMOTIONS[reader.typeName]?.includes(typeName)) return [];
  return [{ field: path, why: `was ${shown(writer)}, which can't be read as ${shown(reader)}` }];
}

/** One branch of what was written against everything that may be read there. */
function compareBranch(reader: Type, branch: Type, path: string, walk: Walk): Incompatibility[] {
  if (!(reader instanceof types.WrappedUnionType)) {
    const found = compare(reader, branch, path, walk);
    return branch.typeName === 'null' && found.length > 0
      ? [{ field: path, why: `could be null, which ${shown(reader)} can't be` }]
      : found;
  }
  const attempts = reader.types.map(one => ({ one, found: compare(one, branch, path, walk) }));
  if (attempts.some(({ found }) => found.length === 0)) return [];
  // Of the same kind: what differs inside says more.
  const alike = attempts.find(({ one }) => one.typeName === branch.typeName);
  return alike?.found ?? [{ field: path, why: `could be ${shown(branch)}, now only ${shown(reader)}` }];
}

function renamed(
  reader: types.RecordType | types.EnumType | types.FixedType,
  writer: Type,
  path: string,
): Incompatibility[] {
  const names = [reader.name, ...(reader.aliases ?? [])].map(unqualified);
  const before = unqualified(writer.name);
  return names.includes(before)
    ? []
    : [{ field: path, why: `the type ${before} is now named ${names[0]}, without an alias` }];
}

function compareRecords(
  reader: types.RecordType,
  writer: types.RecordType,
  path: string,
  walk: Walk,
): Incompatibility[] {
  const pair = `${reader.name}:${writer.name}`;
  if (walk.open.has(pair)) return [];
  walk.open.add(pair);
  const found = renamed(reader, writer, path);
  for (const field of reader.fields) {
    const at = within(path, field.name);
    const names = [field.name, ...field.aliases];
    const before = writer.fields.find(({ name }) => names.includes(name));
    if (before !== undefined) found.push(...compare(field.type, before.type, at, walk));
    else if (field.defaultValue() === undefined) found.push({ field: at, why: 'is new and has no default' });
  }
  walk.open.delete(pair);
  return found;
}

function compareEnums(reader: types.EnumType, writer: types.EnumType, path: string): Incompatibility[] {
  const found = renamed(reader, writer, path);
  const { default: fallback } = reader as { default?: string };
  const gone = writer.symbols.filter(symbol => !reader.symbols.includes(symbol));
  if (gone.length > 0 && fallback === undefined)
    found.push({ field: path, why: `the symbol ${gone.join(', ')} is gone, and there is no default` });
  return found;
}

function compareFixed(reader: types.FixedType, writer: types.FixedType, path: string): Incompatibility[] {
  const found = renamed(reader, writer, path);
  if (reader.size !== writer.size)
    found.push({ field: path, why: `had ${writer.size} bytes, now it has ${reader.size}` });
  return found;
}
