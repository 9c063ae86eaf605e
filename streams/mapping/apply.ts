/** One row through a mapping: columns become a message in the Segment shape, which is then read like any other. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../schemas';
import { RowError, refusing } from '../rows';
import type { RowReading } from '../rows';
import { readSegmentMessage } from '../segment';
import { parseInstant } from '../segment/fields';
import type { Mapping, MappingOutput, MappingSource } from './schema';

export interface MappedRow {
  /** By column name; JSON lines may nest. */
  columns: Record<string, unknown>;
  /** Base name of the file. */
  file: string;
  /** Number of the row in its file, from 1. */
  line: number;
  raw: string;
}

/** `ignored` where no output's conditions hold. Never throws for a bad row. */
export function applyMapping(mapping: Mapping, row: MappedRow): RowReading {
  const output = mapping.outputs.find(candidate => holds(candidate, row));
  if (output === undefined) return { ok: 'ignored', type: 'unmapped' };
  return refusing((): RowReading => {
    const message: Record<string, unknown> = {};
    for (const [target, source] of Object.entries(output.set)) {
      const value = read(target, source, row);
      if (value !== undefined) put(message, target.split('.'), value);
    }
    return readSegmentMessage(message, `${row.file}:${row.line}:${row.raw}`);
  });
}

function holds({ when }: MappingOutput, row: MappedRow): boolean {
  return Object.entries(when ?? {}).every(([column, wanted]) => {
    const value = at(row.columns, column);
    const text = value === undefined || value === null ? '' : String(value);
    return [wanted].flat().some(option => (option === '*' ? text !== '' : option === text));
  });
}

function put(message: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let inner = message;
  for (const name of path.slice(0, -1)) inner = (inner[name] ??= {}) as Record<string, unknown>;
  inner[path[path.length - 1]!] = value;
}

/** `a.b`, and `list[key=name].value` for lists of named parameters. */
export function at(columns: Record<string, unknown>, path: string): unknown {
  if (Object.hasOwn(columns, path)) return columns[path];
  let value: unknown = columns;
  for (const part of path.split('.')) {
    const [, name, key, wanted] = /^([^[]*)(?:\[(\w+)=([^\]]*)\])?$/.exec(part) ?? [];
    if (value === null || typeof value !== 'object' || name === undefined) return undefined;
    value = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    if (key !== undefined)
      value = Array.isArray(value)
        ? value.find(
            entry =>
              entry !== null &&
              typeof entry === 'object' &&
              (entry as Record<string, unknown>)[key] === wanted,
          )
        : undefined;
  }
  return value;
}

function read(target: string, source: MappingSource, row: MappedRow): unknown {
  if ('constant' in source) return source.constant;
  if ('row' in source) return `${source.row}${row.file}:${row.line}`;
  const names = [source.column].flat();
  const found = names
    .map(name => at(row.columns, name))
    .find(value => value !== undefined && value !== null && value !== '');
  if (found === undefined) return undefined;
  if (source.time !== undefined) return instant(found, source, names.join(' or '));
  const text = String(found);
  if (source.values !== undefined) {
    const replaced = Object.hasOwn(source.values, text) ? source.values[text] : source.values['*'];
    if (replaced === undefined)
      throw new RowError(
        'unmapped-value',
        `column ${names[0]} is "${text.slice(0, 40)}", which the mapping's values for ${target} do not name. Add it, or "*" for the rest.`,
      );
    return replaced;
  }
  return source.prefix === undefined ? found : source.prefix + text;
}

const SCALES = { epochSeconds: SECOND_MS, epochMillis: 1, epochMicros: 0.001 } as const;

function instant(
  value: unknown,
  { time, at: timeOfDay }: Extract<MappingSource, { column: unknown }>,
  column: string,
): number {
  const text = String(value).trim();
  const parsed = parseAs(text, time!);
  if (Number.isNaN(parsed))
    throw new RowError(
      'malformed-time',
      `column ${column} is "${text.slice(0, 40)}", which is not a time in the format ${time}. Correct the row, or the format in the mapping.`,
    );
  const dated = parsed % DAY_MS === 0 && timeOfDay !== undefined;
  return dated ? parsed + millisOf(timeOfDay) : parsed;
}

function parseAs(text: string, format: string): number {
  if (format in SCALES)
    return /^-?\d+(\.\d+)?$/.test(text)
      ? Math.floor(Number(text) * SCALES[format as keyof typeof SCALES])
      : NaN;
  if (format === 'iso') return parseInstant(text);
  const match = (format === 'yyyyMMdd' ? /^(\d{4})(\d{2})(\d{2})$/ : /^(\d{4})-(\d{2})-(\d{2})$/).exec(text);
  if (match === null) return NaN;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const date = Date.UTC(year, month - 1, day);
  // A 31st of February would roll over into March.
  return new Date(date).getUTCDate() === day && month <= 12 ? date : NaN;
}

function millisOf(timeOfDay: string): number {
  const [hours, minutes, seconds] = timeOfDay.split(':').map(Number) as [number, number, number?];
  return hours * HOUR_MS + minutes * MINUTE_MS + (seconds ?? 0) * SECOND_MS;
}
