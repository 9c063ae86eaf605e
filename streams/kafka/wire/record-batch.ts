/**
 * Record batches, magic 2 (Kafka protocol, "Record Batch"): records of aborted transactions and control records are
 * left out, and their offsets taken. A batch that can't be inflated or read is one faulty record in its place.
 */
import { ByteReader } from './byte-reader';
import { inflate } from '../codecs';
import type { AbortedTransaction } from './fetch-response';

export interface WireRecord {
  offset: number;
  /** Of the broker where the topic says LogAppendTime, else of the producer, ms. */
  timestamp: number;
  key: string;
  /** A view into the response; null is a tombstone. */
  value: Buffer | null;
  /** What could not be read has no bytes, only a reason. */
  fault: { code: string; reason: string } | null;
  /** Only when they were asked for; views, in their order. */
  headers: readonly RecordHeader[] | null;
}

export type RecordHeader = readonly [name: string, value: Buffer | null];

export interface DecodedBatches {
  records: WireRecord[];
  /** Behind the last whole batch, `from` when there is none. */
  nextOffset: number;
}

/** Before the length that covers the rest. */
const PREFIX_BYTES = 12;
const MAGIC = 2;
const COMPRESSION_MASK = 0x7;
const LOG_APPEND_TIME = 0x8;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const ABORT_MARKER = 0;
/** Tiny records by the million would not fit as objects, whatever their bytes. */
const MAX_RECORDS = 500_000;

interface BatchHead {
  baseOffset: number;
  lastOffset: number;
  attributes: number;
  baseTimestamp: number;
  maxTimestamp: number;
  producerId: bigint;
  count: number;
  body: Buffer;
}

/**
 * Lanes have no use for headers: `withHeaders` reads them.
 * @throws UnknownFormatError for the formats before Kafka 0.11
 */
export async function decodeBatches(
  bytes: Buffer,
  from: number,
  aborted: readonly AbortedTransaction[],
  withHeaders = false,
): Promise<DecodedBatches> {
  const records: WireRecord[] = [];
  const open = new OpenAborts(aborted);
  let nextOffset = from;
  for (let at = 0; at + PREFIX_BYTES <= bytes.length;) {
    const length = bytes.readInt32BE(at + 8);
    const end = at + PREFIX_BYTES + length;
    if (end > bytes.length) break;
    const head = readHead(bytes, at, end);
    at = end;
    nextOffset = Math.max(nextOffset, head.lastOffset + 1);
    if (head.lastOffset < from || !(await isData(head, open))) continue;
    const decoded = await readRecords(head, withHeaders);
    for (const record of decoded) if (record.offset >= from) records.push(record);
  }
  return { records, nextOffset };
}

export class UnknownFormatError extends Error {
  override readonly name = 'UnknownFormatError';
}

function readHead(bytes: Buffer, at: number, end: number): BatchHead {
  const reader = new ByteReader(bytes, at, end);
  const baseOffset = reader.int64();
  reader.skip(8); // length, leader epoch
  const magic = reader.int8();
  if (magic !== MAGIC)
    throw new UnknownFormatError(
      `The log holds message format ${magic} at offset ${baseOffset}; only format 2 (Kafka 0.11 and later) is read.`,
    );
  reader.skip(4); // checksum: the broker has looked at it
  const attributes = reader.int16();
  const lastOffset = baseOffset + reader.int32();
  const baseTimestamp = reader.int64();
  const maxTimestamp = reader.int64();
  const producerId = reader.bigInt64();
  reader.skip(6); // producer epoch, base sequence
  const count = reader.int32();
  const body = reader.bytes(end - reader.at);
  return { baseOffset, lastOffset, attributes, baseTimestamp, maxTimestamp, producerId, count, body };
}

/** Producers whose transaction at the present offset was aborted. */
class OpenAborts {
  private readonly producers = new Set<bigint>();
  private next = 0;

  constructor(private readonly aborted: readonly AbortedTransaction[]) {}

  has(producerId: bigint, throughOffset: number): boolean {
    // All that begin up to here: a fetch may start inside several at once.
    while (this.next < this.aborted.length && this.aborted[this.next]!.firstOffset <= throughOffset)
      this.producers.add(this.aborted[this.next++]!.producerId);
    return this.producers.has(producerId);
  }

  close(producerId: bigint): void {
    this.producers.delete(producerId);
  }
}

/** Neither a marker nor part of an aborted transaction. */
async function isData(head: BatchHead, open: OpenAborts): Promise<boolean> {
  const { attributes, producerId, lastOffset } = head;
  const isAborted = open.has(producerId, lastOffset);
  if ((attributes & CONTROL) === 0) return !(isAborted && (attributes & TRANSACTIONAL) !== 0);
  if ((await markerKind(head)) === ABORT_MARKER) open.close(producerId);
  return false;
}

/** 0 abort, 1 commit: the second number of a control record's key. Null where compaction has left the batch empty. */
async function markerKind(head: BatchHead): Promise<number | null> {
  if (head.count === 0) return null;
  const reader = new ByteReader(await bodyOf(head));
  reader.varint();
  reader.skip(1);
  reader.varint();
  reader.varint();
  reader.varint();
  reader.skip(2);
  return reader.int16();
}

const bodyOf = ({ attributes, body }: BatchHead): Buffer | Promise<Buffer> => {
  const compression = attributes & COMPRESSION_MASK;
  return compression === 0 ? body : inflate(compression, body);
};

async function readRecords(head: BatchHead, withHeaders: boolean): Promise<WireRecord[]> {
  try {
    const body = bodyOf(head);
    return parseRecords(head, Buffer.isBuffer(body) ? body : await body, withHeaders);
  } catch (error) {
    return [unreadable(head, error as Error)];
  }
}

function parseRecords(head: BatchHead, body: Buffer, withHeaders: boolean): WireRecord[] {
  const { baseOffset, lastOffset, baseTimestamp, maxTimestamp, attributes, count } = head;
  const appendTime = (attributes & LOG_APPEND_TIME) !== 0;
  if (count > MAX_RECORDS) throw new RangeError(`more than ${MAX_RECORDS} records in one batch.`);
  const reader = new ByteReader(body);
  const records: WireRecord[] = [];
  let previous = baseOffset - 1;
  for (let index = 0; index < count; index++) {
    const length = reader.varint();
    const end = reader.at + length;
    reader.skip(1); // attributes
    const timestampDelta = reader.varint();
    const offset = baseOffset + reader.varint();
    // A lane would go on behind it, wherever that is.
    if (offset <= previous || offset > lastOffset)
      throw new RangeError('a record has an offset outside its batch');
    previous = offset;
    const keyLength = reader.varint();
    const key = keyLength < 0 ? '' : reader.text(keyLength);
    const valueLength = reader.varint();
    const value = valueLength < 0 ? null : reader.bytes(valueLength);
    if (end < reader.at || end > body.length) throw new RangeError('a record ends outside its batch');
    const headers = withHeaders ? parseHeaders(reader) : null;
    reader.at = end;
    const timestamp = appendTime ? maxTimestamp : baseTimestamp + timestampDelta;
    records.push({ offset, timestamp, key, value, fault: null, headers });
  }
  return records;
}

function parseHeaders(reader: ByteReader): RecordHeader[] {
  const headers: RecordHeader[] = [];
  for (let count = reader.varint(); count > 0; count--) {
    const name = reader.text(reader.varint());
    const length = reader.varint();
    headers.push([name, length < 0 ? null : reader.bytes(length)]);
  }
  return headers;
}

function unreadable({ baseOffset, lastOffset, maxTimestamp, count }: BatchHead, error: Error): WireRecord {
  const reason = `A batch of ${count} records (offsets ${baseOffset} to ${lastOffset}) can't be read: ${error.message} Its producer must send smaller or correct batches.`;
  return {
    offset: lastOffset,
    timestamp: maxTimestamp,
    key: '',
    value: null,
    fault: { code: 'batch-unreadable', reason },
    headers: null,
  };
}
