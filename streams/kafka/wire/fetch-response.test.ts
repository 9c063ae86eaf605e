/** Laws of reading an answer to a fetch: all of it or an error, and transactions in the order that their reader wants. */
import * as fc from 'fast-check';
import { parseFetchResponse } from './fetch-response';
import type { FetchResponse, FetchedPartition } from './fetch-response';

const offset = fc.nat(Number.MAX_SAFE_INTEGER);
const partition = fc.record({
  partition: fc.nat(1_000),
  errorCode: fc.integer({ min: -1, max: 100 }),
  lastStableOffset: fc.oneof(offset, fc.constant(-1)),
  logStartOffset: fc.oneof(offset, fc.constant(-1)),
  aborted: fc.array(
    fc.record({ producerId: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), firstOffset: offset }),
    {
      maxLength: 5,
    },
  ),
  batches: fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)),
});
const topics = fc.array(
  fc.record({ topic: fc.string({ unit: 'grapheme' }), partitions: fc.array(partition, { maxLength: 4 }) }),
  { maxLength: 4 },
);
type Topics = { topic: string; partitions: Omit<FetchedPartition, 'topic'>[] }[];

const int = (value: number | bigint, size: 2 | 4 | 8): Buffer => {
  const bytes = Buffer.alloc(size);
  if (size === 8) bytes.writeBigInt64BE(BigInt(value));
  else bytes.writeIntBE(Number(value), 0, size);
  return bytes;
};
/** Nothing at all, where a broker has neither transactions nor records to tell of: -1 in place of a length. */
const orNull = (count: number, isNull: boolean): Buffer => int(isNull && count === 0 ? -1 : count, 4);

const encoded = (given: Topics, isNull: boolean): Buffer =>
  Buffer.concat([
    int(30, 4),
    int(0, 2),
    int(9, 4), // session
    int(given.length, 4),
    ...given.flatMap(({ topic, partitions }) => [
      int(Buffer.byteLength(topic), 2),
      Buffer.from(topic),
      int(partitions.length, 4),
      ...partitions.flatMap(one => [
        int(one.partition, 4),
        int(one.errorCode, 2),
        int(7, 8), // high watermark
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

test('every partition comes with its topic, its transactions in the order of their first offsets', () =>
  fc.assert(
    fc.property(topics, fc.boolean(), (given, isNull) => {
      const sorted = (aborted: FetchedPartition['aborted']) =>
        [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
      expect(parseFetchResponse(encoded(given, isNull))).toEqual<FetchResponse>({
        throttleMs: 30,
        errorCode: 0,
        partitions: given.flatMap(({ topic, partitions }) =>
          partitions.map(one => ({ ...one, topic, aborted: sorted(one.aborted) })),
        ),
      });
    }),
  ));

test('an answer that is cut is an error, never less of an answer', () =>
  fc.assert(
    fc.property(topics, fc.nat(), (given, at) => {
      const whole = encoded(given, false);
      expect(() => parseFetchResponse(whole.subarray(0, at % whole.length))).toThrow(RangeError);
    }),
  ));
