/** Record batches as a broker stores them, and logs of transactions, for tests. */
import type { AbortedTransaction } from '../fetch-response';
import { writeBatch } from '../record-batch-writer';
import type { OutgoingRecord } from '../record-batch-writer';

export const HEAD_BYTES = 61;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const MAX_TIMESTAMP_AT = 35;
const COUNT_AT = 57;
const LOG_APPEND_TIME = 0x8;
const CONTROL = 0x20;

export interface Stored {
  baseOffset?: number;
  producerId?: bigint;
  isTransactional?: boolean;
  compression?: number;
  timestamp?: number;
}

/** The batch as it came from its producer, at its place in the log. */
export async function storedBatch(records: readonly OutgoingRecord[], stored: Stored = {}): Promise<Buffer> {
  const batch = await writeBatch(records, {
    producerId: stored.producerId ?? -1n,
    producerEpoch: 0,
    firstSequence: 0,
    timestamp: stored.timestamp ?? 1_000,
    compression: stored.compression ?? 0,
    isTransactional: stored.isTransactional ?? false,
  });
  batch.writeBigInt64BE(BigInt(stored.baseOffset ?? 0), 0);
  return batch;
}

/** The end of a transaction: one control record, whose key holds its kind. */
export async function marker(baseOffset: number, producerId: bigint, isAbort: boolean): Promise<Buffer> {
  const key = isAbort ? '\0\0\0\0' : '\0\0\0\u0001';
  const value = new Uint8Array(6);
  const batch = await storedBatch([{ key, value, headers: {} }], {
    baseOffset,
    producerId,
    isTransactional: true,
  });
  batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES_AT) | CONTROL, ATTRIBUTES_AT);
  return batch;
}

/** Compaction keeps the last batch of a producer, also when none of its records is left. */
export const emptied = (batch: Buffer): Buffer => {
  const head = Buffer.from(batch.subarray(0, HEAD_BYTES));
  head.writeInt32BE(head.length - 12, 8);
  head.writeInt32BE(0, COUNT_AT);
  return head;
};

/** Where the topic says LogAppendTime. */
export function stampedAt(batch: Buffer, timestamp: number): Buffer {
  const stamped = Buffer.from(batch);
  stamped.writeInt16BE(stamped.readInt16BE(ATTRIBUTES_AT) | LOG_APPEND_TIME, ATTRIBUTES_AT);
  stamped.writeBigInt64BE(BigInt(timestamp), MAX_TIMESTAMP_AT);
  return stamped;
}

/** The same head before another body; `count` is what the head claims. */
export function withBody(batch: Buffer, compression: number, body: Uint8Array, count?: number): Buffer {
  const changed = Buffer.concat([batch.subarray(0, HEAD_BYTES), body]);
  changed.writeInt32BE(changed.length - 12, 8);
  changed.writeInt16BE((changed.readInt16BE(ATTRIBUTES_AT) & ~7) | compression, ATTRIBUTES_AT);
  if (count !== undefined) {
    changed.writeInt32BE(count, COUNT_AT);
    changed.writeInt32BE(count - 1, LAST_OFFSET_DELTA_AT);
  }
  return changed;
}

export interface LogEntry {
  baseOffset: number;
  lastOffset: number;
  bytes: Buffer;
  /** Of the records that a reader of committed data sees. */
  visible: number[];
}

export interface TransactionLog {
  entries: LogEntry[];
  aborted: (AbortedTransaction & { lastOffset: number })[];
  /** Nothing at or after it is decided. */
  lastStableOffset: number;
}

export interface LogStep {
  producer: number;
  /** What the producer does next; `plain` is outside of every transaction. */
  does: 'write' | 'commit' | 'abort' | 'plain';
  records: readonly OutgoingRecord[];
  /** Offsets before it that compaction has taken. */
  gap: number;
}

interface Open {
  firstOffset: number;
  entries: LogEntry[];
}

/** Plays the steps as a broker would. An end without a beginning is left out. */
export async function makeLog(steps: readonly LogStep[]): Promise<TransactionLog> {
  const log: TransactionLog = { entries: [], aborted: [], lastStableOffset: 0 };
  const open = new Map<number, Open>();
  let next = 0;
  for (const { producer, does, records, gap } of steps) {
    const producerId = BigInt(producer);
    const transaction = open.get(producer);
    const isEnd = does === 'commit' || does === 'abort';
    if (isEnd && transaction === undefined) continue;
    const baseOffset = next + gap;
    const lastOffset = isEnd ? baseOffset : baseOffset + records.length - 1;
    next = lastOffset + 1;
    const offsets = isEnd ? [] : records.map((_, at) => baseOffset + at);
    const bytes = isEnd
      ? await marker(baseOffset, producerId, does === 'abort')
      : await storedBatch(records, { baseOffset, producerId, isTransactional: does === 'write' });
    const entry = { baseOffset, lastOffset, bytes, visible: does === 'plain' ? offsets : [] };
    log.entries.push(entry);
    if (does === 'write') {
      const begun = transaction ?? { firstOffset: baseOffset, entries: [] };
      begun.entries.push(entry);
      open.set(producer, begun);
    } else if (isEnd) {
      open.delete(producer);
      if (does === 'abort')
        log.aborted.push({ producerId, firstOffset: transaction!.firstOffset, lastOffset });
      else
        for (const { baseOffset: from, lastOffset: to, visible } of transaction!.entries)
          for (let offset = from; offset <= to; offset++) visible.push(offset);
    }
  }
  log.lastStableOffset = Math.min(next, ...[...open.values()].map(({ firstOffset }) => firstOffset));
  return log;
}
