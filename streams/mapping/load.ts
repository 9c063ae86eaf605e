/** Mappings by name (shipped) or by path, with errors that name the field and what is wrong with it. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { packageRoot } from '../package-root';
import { mappingSchema } from './schema';
import type { Mapping } from './schema';

export class MappingError extends Error {
  override readonly name = 'MappingError';
  readonly code = 'malformed-mapping';
}

const mapsFolder = (): string => path.join(packageRoot(), 'streams', 'mapping', 'maps');

export const shippedMappings = (): Mapping[] =>
  readdirSync(mapsFolder())
    .filter(file => file.endsWith('.yaml'))
    .sort()
    .map(file => readMapping(path.join(mapsFolder(), file)));

/** @throws MappingError */
export function loadMapping(nameOrPath: string): Mapping {
  const shipped = path.join(mapsFolder(), `${nameOrPath}.yaml`);
  if (/^[a-z0-9-]+$/.test(nameOrPath) && existsSync(shipped)) return readMapping(shipped);
  if (existsSync(nameOrPath)) return readMapping(nameOrPath);
  const names = shippedMappings().map(({ name }) => name);
  throw new MappingError(`There is no mapping ${nameOrPath}. Name a file, or one of: ${names.join(', ')}.`);
}

function readMapping(file: string): Mapping {
  return parseMapping(readFileSync(file, 'utf8'), path.basename(file));
}

/** @throws MappingError naming the field of `file` that is wrong. */
export function parseMapping(text: string, file: string): Mapping {
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 10 });
  } catch (error) {
    throw new MappingError(`${file}: this is not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  const checked = mappingSchema.safeParse(document);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const field = issue!.path.length > 0 ? issue!.path.join('.') : 'the file';
    throw new MappingError(
      `${file}: ${field}: ${issue!.message}. See docs/mappings.md for what a mapping holds.`,
    );
  }
  checkColumns(checked.data, file);
  return checked.data;
}

/** Columns that a headerless file can't have are found before a row is read. */
function checkColumns(mapping: Mapping, file: string): void {
  const { columns, format, header } = mapping;
  if (format === 'jsonl' || (format === 'csv' && header === true)) return;
  if (columns === undefined)
    throw new MappingError(
      `${file}: columns: is missing. Name the columns of a file without a header row, in order.`,
    );
  mapping.outputs.forEach(({ set, when }, index) => {
    const named = Object.entries(set).flatMap(([target, source]) =>
      'column' in source
        ? [source.column].flat().map(column => [`outputs.${index}.set.${target}`, column] as const)
        : [],
    );
    const tested = Object.keys(when ?? {}).map(column => [`outputs.${index}.when`, column] as const);
    for (const [field, column] of [...named, ...tested])
      if (!columns.includes(column))
        throw new MappingError(
          `${file}: ${field}: there is no column ${column}. Columns: ${columns.join(', ')}.`,
        );
  });
}
