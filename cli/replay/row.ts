/**
 * One row of a replay between reading and folding: what is sorted, spilled and appended. A row carries what the
 * report on data quality needs beside its bytes, so that the rows are decoded once.
 *
 * Layout of a spilled row, little-endian: u32 bytes that follow; f64 order, recordAt, eventAt, line; u32 file, id
 * hash high and low, amount-free flags (u16) and topic (u16); u32 key bytes; key; value.
 */
import type { EpochMs, InputTopic } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';

export const ROW_FLAGS = {
  missingId: 1,
  negativeAmount: 2,
  /** Own activity or an order: what a customer without a profile is reported for. */
  activity: 4,
  order: 8,
  profile: 16,
  /** Its own instant was after its record's by more than 5 minutes. */
  clockAhead: 32,
} as const;

export interface SortedRow {
  /** First sort key: the record timestamp, or a seeded random number with --shuffle. */
  order: number;
  recordAt: EpochMs;
  eventAt: EpochMs;
  /** Index in the list of files, then the line in that file, from 1. */
  file: number;
  line: number;
  topic: InputTopic;
  flags: number;
  /** 64-bit hash of the message id. */
  idHigh: number;
  idLow: number;
  key: string;
  value: Uint8Array;
}

const FIXED = 4 * 8 + 3 * 4 + 2 * 2 + 4;

export const compareRows = (a: SortedRow, b: SortedRow): number =>
  a.order - b.order || a.file - b.file || a.line - b.line;

/** Bytes that a row takes in memory, roughly: what the budget counts. */
export const rowWeight = (row: SortedRow): number => 200 + 2 * row.key.length + row.value.length;

export function encodeRow(row: SortedRow): Buffer {
  const key = Buffer.from(row.key, 'utf8');
  const out = Buffer.allocUnsafe(4 + FIXED + key.length + row.value.length);
  let at = out.writeUInt32LE(out.length - 4, 0);
  for (const value of [row.order, row.recordAt, row.eventAt, row.line]) at = out.writeDoubleLE(value, at);
  for (const value of [row.file, row.idHigh, row.idLow]) at = out.writeUInt32LE(value, at);
  at = out.writeUInt16LE(row.flags, at);
  at = out.writeUInt16LE(INPUT_TOPICS.indexOf(row.topic), at);
  at = out.writeUInt32LE(key.length, at);
  at += key.copy(out, at);
  out.set(row.value, at);
  return out;
}

/** `body` is a whole row without its length. The value is copied, so the caller may reuse its buffer. */
export function decodeRow(body: Buffer): SortedRow {
  const keyLength = body.readUInt32LE(48);
  return {
    order: body.readDoubleLE(0),
    recordAt: body.readDoubleLE(8),
    eventAt: body.readDoubleLE(16),
    line: body.readDoubleLE(24),
    file: body.readUInt32LE(32),
    idHigh: body.readUInt32LE(36),
    idLow: body.readUInt32LE(40),
    flags: body.readUInt16LE(44),
    topic: INPUT_TOPICS[body.readUInt16LE(46)],
    key: body.toString('utf8', FIXED, FIXED + keyLength),
    value: new Uint8Array(body.subarray(FIXED + keyLength)),
  };
}
