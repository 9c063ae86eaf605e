/** Laws of reading an answer to a fetch: all of it or an error, and transactions in the order that their reader wants. */
import * as fc from 'fast-check';
import { parseFetchResponse } from './fetch-response';
import type { FetchResponse, FetchedPartition } from './fetch-response';
import { fetchResponse } from './testing/fetch-responses';

const offset = fc.nat(Number.MAX_SAFE_INTEGER);
const partition = fc.record({
  partition: fc.nat(1_000),
  errorCode: fc.integer({ min: -1, max: 100 }),
  highWatermark: fc.oneof(offset, fc.constant(-1)),
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
test('every partition comes with its topic, its transactions in the order of their first offsets', () =>
  fc.assert(
    fc.property(topics, fc.boolean(), (given, isNull) => {
      const sorted = (aborted: FetchedPartition['aborted']) =>
        [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
      expect(parseFetchResponse(fetchResponse(given, { isNull }))).toEqual<FetchResponse>({
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
      const whole = fetchResponse(given);
      expect(() => parseFetchResponse(whole.subarray(0, at % whole.length))).toThrow(RangeError);
    }),
  ));
