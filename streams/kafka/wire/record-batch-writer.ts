/**
 * Record batches, magic 2, as a transactional producer writes them: one for each partition and request. Written in one
 * pass into one buffer; the names of headers are few and kept as bytes.
 */
import { crc32c } from '@node-rs/crc32';
import { CODECS } from '../codecs';

export interface OutgoingRecord {
  key: string;
  /** null: a tombstone. */
  value: Uint8Array | null;
  headers: Readonly<Record<string, string>>;
}

export interface BatchOrigin {
  producerId: bigint;
  producerEpoch: number;
  firstSequence: number;
  /** ms */
  timestamp: number;
  /** Number of the codec in the protocol; 0 is none. */
  compression: number;
  isTransactional: boolean;
}

const TRANSACTIONAL = 0x10;
const MAGIC = 2;
/** From the base offset to the number of records. */
const HEAD_BYTES = 61;
/** The checksum covers everything behind itself. */
const CHECKED_FROM = 21;

/** The bytes of one batch, from its base offset on. */
export async function writeBatch(records: readonly OutgoingRecord[], origin: BatchOrigin): Promise<Buffer> {
  const writer = new RecordWriter();
  records.forEach((record, at) => writer.write(record, at));
  const plain = writer.bytes();
  const body =
    origin.compression === 0 ? plain : await CODECS[origin.compression]!.compress({ buffer: plain });
  const batch = Buffer.allocUnsafe(HEAD_BYTES + body.length);
  body.copy(batch, HEAD_BYTES);
  batch.writeBigInt64BE(0n, 0); // base offset: the broker's
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt32BE(-1, 12); // leader epoch
  batch.writeInt8(MAGIC, 16);
  batch.writeInt16BE(origin.compression | (origin.isTransactional ? TRANSACTIONAL : 0), CHECKED_FROM);
  batch.writeInt32BE(records.length - 1, 23);
  batch.writeBigInt64BE(BigInt(origin.timestamp), 27);
  batch.writeBigInt64BE(BigInt(origin.timestamp), 35);
  batch.writeBigInt64BE(origin.producerId, 43);
  batch.writeInt16BE(origin.producerEpoch, 51);
  batch.writeInt32BE(origin.firstSequence, 53);
  batch.writeInt32BE(records.length, 57);
  batch.writeUInt32BE(crc32c(batch.subarray(CHECKED_FROM)), 17);
  return batch;
}

const headerNames = new Map<string, Buffer>();

function nameOf(header: string): Buffer {
  let bytes = headerNames.get(header);
  if (bytes === undefined) headerNames.set(header, (bytes = Buffer.from(header)));
  return bytes;
}

/** Bytes of a zigzag varint of a number that is not negative. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let left = value * 2; left >= 128; left = Math.floor(left / 128)) bytes++;
  return bytes;
}

class RecordWriter {
  private buffer = Buffer.allocUnsafe(65_536);
  private at = 0;

  bytes(): Buffer {
    return this.buffer.subarray(0, this.at);
  }

  write(record: OutgoingRecord, offsetDelta: number): void {
    const { key, value, headers } = record;
    const keyBytes = Buffer.byteLength(key);
    const names = Object.keys(headers);
    // attributes, timestamp delta; then offset delta, key, value, headers
    let size = 2 + varintBytes(offsetDelta) + varintBytes(keyBytes) + keyBytes;
    size += value === null ? 1 : varintBytes(value.length) + value.length;
    size += varintBytes(names.length);
    for (const name of names) {
      const text = Buffer.byteLength(headers[name]!);
      const bytes = nameOf(name).length;
      size += varintBytes(bytes) + bytes + varintBytes(text) + text;
    }
    this.reserve(size + 10);
    this.varint(size);
    this.buffer[this.at++] = 0;
    this.buffer[this.at++] = 0;
    this.varint(offsetDelta);
    this.text(key, keyBytes);
    if (value === null) this.buffer[this.at++] = 1;
    else {
      this.varint(value.length);
      this.buffer.set(value, this.at);
      this.at += value.length;
    }
    this.varint(names.length);
    for (const name of names) {
      const bytes = nameOf(name);
      this.varint(bytes.length);
      this.buffer.set(bytes, this.at);
      this.at += bytes.length;
      this.text(headers[name]!, Buffer.byteLength(headers[name]!));
    }
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.at + bytes));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }

  private text(text: string, bytes: number): void {
    this.varint(bytes);
    this.buffer.write(text, this.at, 'utf8');
    this.at += bytes;
  }

  /** Zigzag of a number that is not negative. */
  private varint(value: number): void {
    let left = value * 2;
    while (left >= 128) {
      this.buffer[this.at++] = (left % 128) | 128;
      left = Math.floor(left / 128);
    }
    this.buffer[this.at++] = left;
  }
}
