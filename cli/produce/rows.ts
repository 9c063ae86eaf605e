/** Rows of files on their way to Kafka: each is read and validated as a lane will do it, so bad ones are found here. */
import { statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { readInput, type InputRules } from '../../processors/core';
import type { Clock, WireCodec } from '../../processors/ports';
import type { InputTopic } from '../../schemas';
import { MAX_RECORD_BYTES } from '../../streams/avro/frame';
import type { InputRecord } from '../../streams/kafka';
import { openReader, type Mapping } from '../../streams/mapping';
import type { ReadRow, RowReading } from '../../streams/rows';
import { CliError, EXIT } from '../errors';

/** The standard input. */
const STDIN = '-';

export interface RowSource {
  /** As it was given. */
  name: string;
  /** Absolute; null: the standard input. */
  path: string | null;
  /** null: nobody knows. */
  bytes: number | null;
}

/** In the order given. `CliError` input-missing. */
export const findSources = (given: readonly string[], resolve: (name: string) => string): RowSource[] =>
  given.map(name => {
    if (name === STDIN) return { name: 'stdin', path: null, bytes: null };
    const path = resolve(name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found?.isFile()) throw new CliError('input-missing', `There is no file ${name}.`, EXIT.usage);
    return { name, path, bytes: found.size };
  });

export interface BadRow {
  code: string;
  /** Names the field and the remedy. */
  reason: string;
}

export type PreparedRow =
  { outcome: 'send'; record: InputRecord } | { outcome: 'ignored' } | { outcome: 'bad'; bad: BadRow };

export interface PlacedRow {
  prepared: PreparedRow;
  name: string;
  line: number;
  /** Of the row as it stands, its line end included. */
  bytes: number;
}

export interface RowOptions {
  mapping: Mapping | null;
  codec: WireCodec;
  rules: InputRules;
  clock: Clock;
  /** The record timestamp is the row's own; a row without a time is bad then. */
  keepTimestamps: boolean;
  stdin: Readable;
  signal: AbortSignal;
}

/** Ends early when the signal is aborted. */
export async function* readRows(
  sources: readonly RowSource[],
  options: RowOptions,
): AsyncGenerator<PlacedRow> {
  const { mapping, stdin, signal } = options;
  for (const { name, path } of sources) {
    const reader = openReader({
      file: path ?? name,
      mapping,
      ...(path === null ? { input: stdin, signal } : {}),
    });
    try {
      for await (const { line, raw, reading } of reader) {
        if (signal.aborted) return;
        yield { prepared: prepare(reading, options), name, line, bytes: Buffer.byteLength(raw) + 1 };
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (signal.aborted) return;
  }
}

function prepare(reading: RowReading, options: RowOptions): PreparedRow {
  if (reading.ok === 'ignored') return { outcome: 'ignored' };
  return reading.ok ? validate(reading, options) : { outcome: 'bad', bad: reading };
}

const bad = (code: string, reason: string): PreparedRow => ({ outcome: 'bad', bad: { code, reason } });

function validate(row: ReadRow, { codec, rules, clock, keepTimestamps }: RowOptions): PreparedRow {
  const { topic, value } = row;
  const recordAt = keepTimestamps ? row.recordAt : clock.now();
  if (recordAt === null)
    return bad(
      'missing-time',
      'the row has no time. Send timestamp or receivedAt, or leave --keep-timestamps out.',
    );
  const place = { recordAt, source: { topic, partition: 0, offset: 0, index: 0 }, mailedFrom: null };
  const reading = readInput<InputTopic>(topic, value, place, rules);
  if (!reading.ok) return { outcome: 'bad', bad: reading };
  const bytes = codec.encodeInput<InputTopic>(topic, value);
  if (bytes.length > MAX_RECORD_BYTES)
    return bad(
      'record-too-large',
      `the record has ${bytes.length} bytes; at most ${MAX_RECORD_BYTES} are allowed. Send less with it.`,
    );
  const key = reading.input.customerId;
  return {
    outcome: 'send',
    record: { topic, key, value: bytes, recordAt: keepTimestamps ? recordAt : null },
  };
}
