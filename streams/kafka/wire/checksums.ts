/** Checksums of record batches (Kafka protocol, "Record Batch": CRC-32C of all that is behind it). */
import { crc32c } from '@node-rs/crc32';
import type { WireRecord } from './record-batch';

/** Before the length that covers the rest. */
const PREFIX_BYTES = 12;
const HEAD_BYTES = 61;
const MAGIC_AT = 16;
const MAGIC = 2;
const CHECKSUM_AT = 17;
/** The checksum covers everything behind itself. */
const CHECKED_FROM = 21;
const BASE_TIMESTAMP_AT = 27;

export interface SoundPart {
  /** The whole batches in front of the first damaged one. */
  sound: Buffer;
  /** Null when there is no damage in what came. */
  damage: Damage | null;
}

/** Nothing that a damaged batch says of itself can be believed, only what is sound behind it. */
export interface Damage {
  /** The first sound batch behind it; null when none has come yet. */
  next: { offset: number; timestamp: number } | null;
}

/** Bytes of other formats are for the decoder to refuse. */
export function soundPart(bytes: Buffer): SoundPart {
  for (let at = 0, end = endOf(bytes, at); end !== null; at = end, end = endOf(bytes, at))
    if (bytes[at + MAGIC_AT] === MAGIC && !isSound(bytes, at, end))
      return { sound: bytes.subarray(0, at), damage: { next: firstSound(bytes, end) } };
  return { sound: bytes, damage: null };
}

/** Null where no whole batch begins. */
function endOf(bytes: Buffer, at: number): number | null {
  if (at + HEAD_BYTES > bytes.length) return null;
  const end = at + PREFIX_BYTES + bytes.readInt32BE(at + 8);
  return end < at + HEAD_BYTES || end > bytes.length ? null : end;
}

const isSound = (bytes: Buffer, at: number, end: number): boolean =>
  bytes.readUInt32BE(at + CHECKSUM_AT) === crc32c(bytes.subarray(at + CHECKED_FROM, end));

/** A length that is wrong leads anywhere: only what is sound there is believed. */
function firstSound(bytes: Buffer, from: number): Damage['next'] {
  for (let at = from, end = endOf(bytes, at); end !== null; at = end, end = endOf(bytes, at))
    if (bytes[at + MAGIC_AT] === MAGIC && isSound(bytes, at, end))
      return {
        offset: Number(bytes.readBigInt64BE(at)),
        timestamp: Number(bytes.readBigInt64BE(at + BASE_TIMESTAMP_AT)),
      };
  return null;
}

/** What was damaged on its way is whole when it comes again. */
const ATTEMPTS = 3;

/** Damage that readers have come upon, by topic and partition. */
export class Damages {
  private readonly seen = new Map<string, { offset: number; times: number }>();

  /**
   * One more look at it. Null: fetch again after a while. In the end one faulty record stands for all offsets from
   * `offset` up to the sound batch behind them; while none is there, nobody can know where to go on.
   */
  judge(place: string, offset: number, { next }: Damage): WireRecord | null {
    const before = this.seen.get(place);
    const times = before?.offset === offset ? before.times + 1 : 1;
    this.seen.set(place, { offset, times });
    if (times < ATTEMPTS || next === null || next.offset <= offset) return null;
    this.seen.delete(place);
    const last = next.offset - 1;
    const reason = `What the broker holds at offsets ${offset} to ${last} is damaged: its checksum does not fit, however often it is fetched. Look at the broker's disk, and let the producers send those records again.`;
    const fault = { code: 'batch-damaged', reason };
    return { offset: last, timestamp: next.timestamp, key: '', value: null, fault, headers: null };
  }
}
