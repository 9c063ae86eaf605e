/** Laws of reading record batches: what was written comes back, and what was not committed never does. */
import * as fc from 'fast-check';
import { COMPRESSION } from '../sending';
import { decodeBatches } from './record-batch';
import type { DecodedBatches } from './record-batch';
import { writeBatch } from './record-batch-writer';
import type { OutgoingRecord } from './record-batch-writer';
import { emptied, makeLog, marker, stampedAt, storedBatch } from './testing/batches';
import type { LogStep, TransactionLog } from './testing/batches';

const text = fc.string({ unit: 'binary', maxLength: 12 });
/** A key of four zero bytes is what an abort marker's looks like. */
const keys = fc.oneof({ weight: 5, arbitrary: text }, fc.constantFrom('', '\0\0\0\0'));
const values = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  { weight: 2, arbitrary: fc.constant(null) },
  fc.integer({ min: 8_000, max: 200_000 }).map(size => new Uint8Array(size).fill(size % 251)),
);
const anyRecord: fc.Arbitrary<OutgoingRecord> = fc.record({
  key: keys,
  value: values,
  headers: fc.dictionary(text, text, { maxKeys: 4 }),
});
const anyRecords = fc.array(anyRecord, { minLength: 1, maxLength: 40 });
const codecs = fc.constantFrom(...Object.values(COMPRESSION));

/** What a reader has of a record, to compare with what was written. */
const content = ({ key, value, headers }: OutgoingRecord): object => ({
  key,
  value: value === null ? null : Buffer.from(value).toString('base64'),
  headers: Object.entries(headers),
});
const readBack = ({ records }: DecodedBatches): object[] =>
  records.map(({ key, value, headers }) => ({
    key,
    value: value?.toString('base64') ?? null,
    headers: headers!.map(([name, bytes]) => [name, bytes!.toString()]),
  }));
const offsetsOf = ({ records }: Pick<DecodedBatches, 'records'>): number[] =>
  records.map(({ offset }) => offset);

const record = (key: string): OutgoingRecord => ({ key, value: Buffer.from(key), headers: {} });

describe('a batch', () => {
  test('comes back as it was written, from any offset in it, with every codec of ours', () =>
    fc.assert(
      fc.asyncProperty(
        anyRecords,
        codecs,
        fc.boolean(),
        fc.nat(2 ** 40),
        fc.nat(40),
        async (records, compression, isTransactional, baseOffset, behind) => {
          const skipped = Math.min(behind, records.length);
          const bytes = await storedBatch(records, {
            baseOffset,
            compression,
            isTransactional,
            timestamp: baseOffset + 7,
          });
          const from = baseOffset + skipped;
          const decoded = await decodeBatches(bytes, from, [], true);
          expect(readBack(decoded)).toEqual(records.slice(skipped).map(content));
          expect(offsetsOf(decoded)).toEqual(records.slice(skipped).map((_, at) => from + at));
          for (const { timestamp, fault } of decoded.records)
            expect([timestamp, fault]).toEqual([baseOffset + 7, null]);
          expect(decoded.nextOffset).toBe(baseOffset + records.length);
        },
      ),
    ));

  test('read without headers says nothing of them, and everything else', async () => {
    const bytes = await storedBatch([{ key: 'kim', value: Buffer.from('v'), headers: { a: 'b' } }]);
    const [without] = (await decodeBatches(bytes, 0, [])).records;
    const [withThem] = (await decodeBatches(bytes, 0, [], true)).records;
    expect(without).toEqual({ ...withThem, headers: null });
    expect(withThem!.headers).toEqual([['a', Buffer.from('b')]]);
  });

  test('writing does not touch what is written, and is the same each time', async () => {
    const origin = {
      producerId: 5n,
      producerEpoch: 1,
      firstSequence: 9,
      timestamp: 1,
      compression: COMPRESSION.lz4,
      isTransactional: true,
    };
    const given = [record('a'), { ...record('b'), value: null }];
    const before = JSON.stringify(given);
    expect(await writeBatch(given, origin)).toEqual(await writeBatch(given, origin));
    expect(JSON.stringify(given)).toBe(before);
  });

  test('has the time of the broker where the topic says so', async () => {
    const batch = stampedAt(await storedBatch([record('a'), record('b')], { timestamp: 5 }), 77);
    expect((await decodeBatches(batch, 0, [])).records.map(({ timestamp }) => timestamp)).toEqual([77, 77]);
  });

  test('of a format before this one is refused, and the offset is named', async () => {
    const old = await storedBatch([record('a')], { baseOffset: 12 });
    old.writeInt8(1, 16);
    await expect(decodeBatches(old, 12, [])).rejects.toThrow('message format 1 at offset 12');
  });
});

describe('a response', () => {
  const batches = fc.array(
    fc.record({ records: fc.array(anyRecord, { minLength: 1, maxLength: 4 }), gap: fc.nat(3) }),
    { minLength: 1, maxLength: 6 },
  );

  test('that is cut anywhere holds its whole batches; the rest is for the next fetch', () =>
    fc.assert(
      fc.asyncProperty(batches, fc.nat(), fc.nat(20), async (given, cut, start) => {
        const { entries } = await makeLog(given.map(one => ({ ...one, producer: 1, does: 'plain' })));
        const whole = Buffer.concat(entries.map(({ bytes }) => bytes));
        const bytes = whole.subarray(0, cut % (whole.length + 1));
        let end = 0;
        const arrived = entries.filter(entry => (end += entry.bytes.length) <= bytes.length);
        const from = Math.min(start, entries[0]!.lastOffset);
        const decoded = await decodeBatches(bytes, from, []);
        expect(offsetsOf(decoded)).toEqual(
          arrived.flatMap(({ visible }) => visible).filter(offset => offset >= from),
        );
        expect(decoded.nextOffset).toBe((arrived.at(-1)?.lastOffset ?? from - 1) + 1);
      }),
    ));

  test('without bytes moves nothing', async () =>
    expect(await decodeBatches(Buffer.alloc(0), 42, [])).toEqual({ records: [], nextOffset: 42 }));
});

describe('markers', () => {
  test('are no records, and move the position', async () => {
    const data = await storedBatch([record('a')], { producerId: 1n, isTransactional: true });
    const ends = Buffer.concat([await marker(1, 1n, false), await marker(2, 9n, true)]);
    const decoded = await decodeBatches(Buffer.concat([data, ends]), 0, []);
    expect([offsetsOf(decoded), decoded.nextOffset]).toEqual([[0], 3]);
    expect(await decodeBatches(ends, 1, [])).toEqual({ records: [], nextOffset: 3 });
  });

  test('that compaction has emptied move the position too', async () => {
    const bytes = Buffer.concat([
      emptied(await storedBatch([record('a')], { producerId: 1n, isTransactional: true })),
      emptied(await marker(1, 1n, true)),
      emptied(await marker(2, 1n, false)),
      await storedBatch([record('b')], { baseOffset: 3 }),
    ]);
    const decoded = await decodeBatches(bytes, 0, []);
    expect([offsetsOf(decoded), decoded.nextOffset]).toEqual([[3], 4]);
  });
});

/** A fetch as a broker answers it: from the batch that holds the offset, with the transactions that reach into it. */
function fetched({ entries, aborted, lastStableOffset }: TransactionLog, from: number, batches: number) {
  const stable = entries.filter(({ baseOffset }) => baseOffset < lastStableOffset);
  const first = stable.findIndex(({ lastOffset }) => lastOffset >= from);
  const given = first < 0 ? [] : stable.slice(first, first + batches);
  const end = (given.at(-1)?.lastOffset ?? from - 1) + 1;
  // The last batch of an answer is often cut.
  const cut = stable[first + batches]?.bytes.subarray(0, 50) ?? Buffer.alloc(0);
  return {
    bytes: first < 0 ? Buffer.alloc(0) : Buffer.concat([...given.map(({ bytes }) => bytes), cut]),
    aborted: aborted
      .filter(({ firstOffset, lastOffset }) => lastOffset >= from && firstOffset < end)
      .sort((a, b) => a.firstOffset - b.firstOffset),
    end,
  };
}

const vRecords = fc.array(
  keys.map(key => ({ ...record('v'), key })),
  { minLength: 1, maxLength: 3 },
);
const stepOf = (producer: fc.Arbitrary<number>, does: readonly LogStep['does'][]): fc.Arbitrary<LogStep> =>
  fc.record({
    producer,
    does: fc.constantFrom(...does),
    records: vRecords,
    gap: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(3)),
  });
/** In the end most transactions are decided, so that there is something to see behind them. */
const steps: fc.Arbitrary<LogStep[]> = fc
  .tuple(
    fc.array(stepOf(fc.nat(3), ['write', 'write', 'commit', 'abort', 'plain']), {
      maxLength: 40,
      size: 'max',
    }),
    fc.tuple(
      ...[0, 1, 2, 3].map(at => stepOf(fc.constant(at), ['commit', 'abort', 'commit', 'abort', 'write'])),
    ),
  )
  .map(([some, ends]) => [...some, ...ends]);

describe('transactions', () => {
  test('from any offset, what was committed is read and what was aborted is not', () =>
    fc.assert(
      fc.asyncProperty(steps, fc.nat(60), async (given, start) => {
        const log = await makeLog(given);
        const from = Math.min(start, log.lastStableOffset);
        const { bytes, aborted, end } = fetched(log, from, 1_000);
        const decoded = await decodeBatches(bytes, from, aborted);
        const visible = log.entries
          .filter(({ baseOffset }) => baseOffset < log.lastStableOffset)
          .flatMap(entry => entry.visible);
        expect(offsetsOf(decoded)).toEqual(visible.filter(offset => offset >= from));
        expect(decoded.nextOffset).toBe(end);
      }),
      { numRuns: 500 },
    ));

  test('in whatever pieces a log is fetched, each committed record is read once, in order', () =>
    fc.assert(
      fc.asyncProperty(
        steps,
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
        async (given, pieces) => {
          const log = await makeLog(given);
          const read: number[] = [];
          let at = 0;
          for (let round = 0; ; round++) {
            const { bytes, aborted } = fetched(log, at, pieces[round % pieces.length]!);
            const decoded = await decodeBatches(bytes, at, aborted);
            read.push(...offsetsOf(decoded));
            if (decoded.nextOffset === at) break;
            at = decoded.nextOffset;
          }
          const stable = log.entries.filter(({ baseOffset }) => baseOffset < log.lastStableOffset);
          expect(read).toEqual(stable.flatMap(({ visible }) => visible));
          expect(at).toBe((stable.at(-1)?.lastOffset ?? -1) + 1);
        },
      ),
      { numRuns: 500 },
    ));

  test('that overlap, both aborted: a fetch that begins inside both reads nothing of either', async () => {
    const log = await makeLog(
      (
        [
          [1, 'write'],
          [2, 'write'],
          [1, 'write'],
          [2, 'write'],
          [2, 'abort'],
          [1, 'abort'],
          [1, 'write'],
          [1, 'commit'],
        ] as const
      ).map(([producer, does]) => ({ producer, does, records: [record('v')], gap: 0 })),
    );
    const { bytes, aborted } = fetched(log, 2, 1_000);
    expect(offsetsOf(await decodeBatches(bytes, 2, aborted))).toEqual([6]);
  });
});
