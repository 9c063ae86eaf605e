/** A fetch response, version 11 of the protocol, as views into its bytes. */
import { ByteReader } from './byte-reader';

export interface AbortedTransaction {
  producerId: bigint;
  firstOffset: number;
}

export interface FetchedPartition {
  topic: string;
  partition: number;
  /** 0: all is well; others as in the protocol's table of errors. */
  errorCode: number;
  /** Of the next record: what transactions have not decided yet is below it. */
  highWatermark: number;
  /** Nothing at or after this offset is decided yet. */
  lastStableOffset: number;
  logStartOffset: number;
  /** In the order of their first offsets. */
  aborted: AbortedTransaction[];
  /** Record batches one after another; the last may be cut. */
  batches: Buffer;
}

export interface FetchResponse {
  throttleMs: number;
  errorCode: number;
  partitions: FetchedPartition[];
}

/** @throws RangeError when the bytes end too early */
export function parseFetchResponse(raw: Buffer): FetchResponse {
  const reader = new ByteReader(raw);
  const throttleMs = reader.int32();
  const errorCode = reader.int16();
  reader.skip(4); // session id
  const partitions: FetchedPartition[] = [];
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.text(reader.int16());
    for (let count = reader.int32(); count > 0; count--) partitions.push(parsePartition(topic, reader));
  }
  return { throttleMs, errorCode, partitions };
}

function parsePartition(topic: string, reader: ByteReader): FetchedPartition {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  const lastStableOffset = reader.int64();
  const logStartOffset = reader.int64();
  const aborted: AbortedTransaction[] = [];
  for (let count = reader.int32(); count > 0; count--)
    aborted.push({ producerId: reader.bigInt64(), firstOffset: reader.int64() });
  aborted.sort((a, b) => a.firstOffset - b.firstOffset);
  reader.skip(4); // preferred read replica
  const batches = reader.bytes(Math.max(0, reader.int32()));
  return { topic, partition, errorCode, highWatermark, lastStableOffset, logStartOffset, aborted, batches };
}
