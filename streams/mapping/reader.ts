/** Rows of a file, one after the other: JSON lines in the Segment shape, or another format through a mapping. */
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { addAbortSignal, type Readable } from 'node:stream';
import { parse as csvParser } from 'csv-parse';

import type { RefusedRow, RowReading } from '../rows';
import { readSegmentLine } from '../segment';
import { applyMapping } from './apply';
import type { Mapping } from './schema';

export interface FileRow {
  /** Number of the line (csv: of the record) in its file, from 1. */
  line: number;
  /** The row as it stands, for dead letters. */
  raw: string;
  reading: RowReading;
}

export interface ReaderOptions {
  file: string;
  /** null: JSON lines in the Segment shape. */
  mapping: Mapping | null;
  /** Read instead of the file, which then is only a name. */
  input?: Readable;
  /** Ends the reading of `input`, which may never end by itself. */
  signal?: AbortSignal;
}

type Source = Pick<ReaderOptions, 'file' | 'input' | 'signal'>;

/** Streams the rows of a file. A row that can't be read is a refusal; only an unreadable file throws. */
export function openReader({ mapping, ...source }: ReaderOptions): AsyncIterable<FileRow> {
  const { file } = source;
  if (mapping === null) return readLines(source, raw => readSegmentLine(raw), null);
  if (mapping.format === 'csv') return readCsv(source, mapping);
  const name = path.basename(file);
  return mapping.format === 'jsonl'
    ? readLines(source, (raw, line) => mapJson(mapping, name, raw, line), null)
    : readLines(
        source,
        (raw, line) => mapColumns(mapping, name, raw.trim().split(/\s+/), raw, line),
        mapping.headerStartsWith ?? null,
      );
}

async function* readLines(
  { file, input, signal }: Source,
  read: (raw: string, line: number) => RowReading,
  header: string | null,
): AsyncIterable<FileRow> {
  const stream = input ?? createReadStream(file, 'utf8');
  let line = 0;
  for await (const text of createInterface({
    input: stream,
    crlfDelay: Infinity,
    ...(signal && { signal }),
  })) {
    line++;
    const raw = line === 1 ? text.replace(/^\uFEFF/, '') : text;
    const isHeader = line === 1 && header !== null && raw.trimStart().startsWith(header);
    if (raw.trim() !== '' && !isHeader) yield { line, raw, reading: read(raw, line) };
  }
}

function mapJson(mapping: Mapping, file: string, raw: string, line: number): RowReading {
  let columns: unknown;
  try {
    columns = JSON.parse(raw);
  } catch {
    return refusal('malformed-json', 'the line is not JSON. Send one JSON object a line.');
  }
  if (columns === null || typeof columns !== 'object' || Array.isArray(columns))
    return refusal('malformed-json', 'the line is not a JSON object. Send one JSON object a line.');
  return applyMapping(mapping, { columns: columns as Record<string, unknown>, file, line, raw });
}

const refusal = (code: string, reason: string): RefusedRow => ({ ok: false, code, reason });

function mapColumns(
  mapping: Mapping,
  file: string,
  cells: readonly string[],
  raw: string,
  line: number,
): RowReading {
  const names = mapping.columns!;
  if (cells.length !== names.length)
    return refusal(
      'wrong-columns',
      `the row has ${cells.length} columns, the mapping names ${names.length} (${names.join(', ')}). Correct the row or the mapping.`,
    );
  const columns = Object.fromEntries(names.map((name, index) => [name, cells[index]]));
  return applyMapping(mapping, { columns, file, line, raw });
}

async function* readCsv({ file, input, signal }: Source, mapping: Mapping): AsyncIterable<FileRow> {
  const parser = (input ?? createReadStream(file)).pipe(
    csvParser({
      bom: true,
      delimiter: mapping.delimiter ?? ',',
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: 1_048_576,
      raw: true,
      info: true,
    }),
  );
  if (signal) addAbortSignal(signal, parser);
  const name = path.basename(file);
  let header: string[] | null = mapping.header === true ? null : mapping.columns!;
  for await (const { record, raw, info } of parser as AsyncIterable<{
    record: string[];
    raw: string;
    info: { lines: number };
  }>) {
    if (header === null) {
      header = record.map(cell => cell.trim());
      continue;
    }
    const text = raw.replace(/\r?\n$/, '');
    yield {
      line: info.lines,
      raw: text,
      reading: mapColumns({ ...mapping, columns: header }, name, record, text, info.lines),
    };
  }
}
