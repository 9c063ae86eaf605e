/** Answers to a fetch as a broker of protocol version 11 writes them, for tests. */
import type { FetchedPartition } from '../fetch-response';

export type AnsweredTopics = readonly { topic: string; partitions: Omit<FetchedPartition, 'topic'>[] }[];

const int = (value: number | bigint, size: 2 | 4 | 8): Buffer => {
  const bytes = Buffer.alloc(size);
  if (size === 8) bytes.writeBigInt64BE(BigInt(value));
  else bytes.writeIntBE(Number(value), 0, size);
  return bytes;
};
/** Nothing at all, where a broker has neither transactions nor records to tell of: -1 in place of a length. */
const orNull = (count: number, isNull: boolean): Buffer => int(isNull && count === 0 ? -1 : count, 4);

export const fetchResponse = (given: AnsweredTopics, { isNull = false, errorCode = 0 } = {}): Buffer =>
  Buffer.concat([
    int(30, 4), // throttled for so long
    int(errorCode, 2),
    int(9, 4), // session
    int(given.length, 4),
    ...given.flatMap(({ topic, partitions }) => [
      int(Buffer.byteLength(topic), 2),
      Buffer.from(topic),
      int(partitions.length, 4),
      ...partitions.flatMap(one => [
        int(one.partition, 4),
        int(one.errorCode, 2),
        int(one.highWatermark, 8),
        int(one.lastStableOffset, 8),
        int(one.logStartOffset, 8),
        orNull(one.aborted.length, isNull),
        ...one.aborted.flatMap(({ producerId, firstOffset }) => [int(producerId, 8), int(firstOffset, 8)]),
        int(-1, 4), // no other replica
        orNull(one.batches.length, isNull),
        one.batches,
      ]),
    ]),
  ]);
