/** What can't be read, or must not be, is one faulty record in its place: neither an end of reading nor of memory. */
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { CompressionTypes } from 'kafkajs';
import { compressFrame, compressSync as compressLz4Block } from 'lz4-napi';
import { compressSync as compressSnappyBlock } from 'snappy';
import { CODECS, MAX_INFLATED_BYTES, inflate } from '../codecs';
import { COMPRESSION } from '../sending';
import { decodeBatches } from './record-batch';
import type { OutgoingRecord } from './record-batch-writer';
import { HEAD_BYTES, storedBatch, withBody } from './testing/batches';

const MIB = 1024 * 1024;
const record = (key: string): OutgoingRecord => ({ key, value: Buffer.from(key), headers: { a: key } });
const three = [record('a'), record('b'), record('c')];

const int32 = (value: number, isLittle = false): Buffer => {
  const bytes = Buffer.alloc(4);
  if (isLittle) bytes.writeUInt32LE(value);
  else bytes.writeUInt32BE(value);
  return bytes;
};

/** Snappy as Java writes it: a head, then blocks with their lengths. */
const xerial = (blocks: readonly Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0]),
    int32(1),
    int32(1),
    ...blocks.flatMap(block => [int32(block.length), block]),
  ]);

/** A zstd frame by hand: `descriptor` claims its window, blocks are one byte and how often it is there. */
function zstdFrame(descriptor: number, runs: readonly number[]): Buffer {
  const blocks = runs.map((run, at) => {
    const block = Buffer.alloc(4, 'x');
    block.writeUIntLE((run << 3) | 2 | (at === runs.length - 1 ? 1 : 0), 0, 3);
    return block;
  });
  return Buffer.concat([int32(0xfd2fb528, true), Buffer.from([0, descriptor]), ...blocks]);
}
const WINDOW_128_KIB = 7 << 3;
const WINDOW_64_MIB = 16 << 3;
const WINDOW_1_GIB = 20 << 3;

/** The batch before and the one behind are whole. */
async function around(bad: Buffer): Promise<ReturnType<typeof decodeBatches>> {
  const placed = Buffer.from(bad);
  placed.writeBigInt64BE(3n, 0);
  const behind = 4 + placed.readInt32BE(23);
  return decodeBatches(
    Buffer.concat([await storedBatch(three), placed, await storedBatch(three, { baseOffset: behind })]),
    0,
    [],
  );
}

describe('damage', () => {
  test('of a body is a fault at the end of its batch, or records in it; the batches about it are read', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.values(COMPRESSION)),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (compression, bytes, withHeaders) => {
          const bad = await storedBatch(three, { baseOffset: 3, compression });
          for (const [at, byte] of bytes) bad[HEAD_BYTES + (at % (bad.length - HEAD_BYTES))] = byte;
          const whole = [await storedBatch(three), bad, await storedBatch(three, { baseOffset: 6 })];
          const { records, nextOffset } = await decodeBatches(Buffer.concat(whole), 0, [], withHeaders);
          expect(nextOffset).toBe(9);
          const offsets = records.map(({ offset }) => offset);
          expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
          const keys = records.flatMap(({ offset, key }) => (offset < 3 || offset > 5 ? [key] : []));
          expect(keys).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
          const faults = records.filter(({ fault }) => fault !== null);
          if (faults.length > 0)
            expect(faults).toMatchObject([
              { offset: 5, key: '', value: null, fault: { code: 'batch-unreadable' } },
            ]);
        },
      ),
      { numRuns: 500 },
    ));

  test('says which offsets are gone and what their producer must do', async () => {
    const { records } = await around(withBody(await storedBatch(three), 1, Buffer.from('no gzip')));
    expect(records.map(({ offset, fault }) => [offset, fault?.code ?? null])).toEqual([
      [0, null],
      [1, null],
      [2, null],
      [5, 'batch-unreadable'],
      [6, null],
      [7, null],
      [8, null],
    ]);
    expect(records[3]!.fault!.reason).toMatch(/3 records \(offsets 3 to 5\).*Its producer must/);
  });

  test('that puts a record outside its batch is a fault: nobody goes on reading there', async () => {
    const bad = await storedBatch(three);
    // Length, attributes, time, then the offset in the batch, as a zigzag number.
    bad[HEAD_BYTES + 3] = 2 * 60;
    const { records, nextOffset } = await around(bad);
    expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2, 5, 6, 7, 8]);
    expect(nextOffset).toBe(9);
  });

  test.each([5, 6, 7])('a codec with the number %i is a fault', async codec => {
    const { records } = await around(withBody(await storedBatch(three), codec, Buffer.alloc(9)));
    expect(records[3]!.fault!.reason).toContain(`Compression ${codec} is unknown`);
  });
});

const zeros = (): Buffer => Buffer.alloc(MAX_INFLATED_BYTES + 1);
/** Compressed by the mebibyte: one block, over and over. */
const snappyMib = compressSnappyBlock(Buffer.alloc(MIB));
const lz4EightMib = compressLz4Block(Buffer.alloc(8 * MIB)).subarray(4);
const repeated = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

describe('a bomb is one fault', () => {
  const { GZIP, Snappy, LZ4, ZSTD } = CompressionTypes;
  test.each<[string, number, () => Buffer | Promise<Buffer>]>([
    ['gzip', GZIP, () => gzipSync(zeros(), { level: 1 })],
    ['gzip of many members', GZIP, () => Buffer.concat(repeated(65, gzipSync(Buffer.alloc(MIB))))],
    ['snappy', Snappy, () => compressSnappyBlock(zeros())],
    ['snappy of many blocks', Snappy, () => xerial(repeated(65, snappyMib))],
    ['snappy that only claims', Snappy, () => Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07, 0])],
    ['lz4', LZ4, () => compressFrame(zeros())],
    ['zstd', ZSTD, () => zstdFrame(WINDOW_128_KIB, repeated(513, 131_072))],
    ['zstd with a window of a gibibyte', ZSTD, () => zstdFrame(WINDOW_1_GIB, [1])],
    ['zstd that moves its window for every byte', ZSTD, () => zstdFrame(WINDOW_64_MIB, repeated(10_000, 1))],
    ['zstd of many frames', ZSTD, () => Buffer.concat(repeated(200, zstdFrame(WINDOW_64_MIB, [1])))],
  ])('%s', async (_what, compression, bomb) => {
    const { records, nextOffset } = await around(
      withBody(await storedBatch(three), compression, await bomb()),
    );
    expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2, 5, 6, 7, 8]);
    expect(records[3]!.fault!.reason).toContain(`inflates to more than ${MAX_INFLATED_BYTES} bytes`);
    expect(nextOffset).toBe(9);
  });

  test('lz4 of before its frames had descriptors, which nothing bounds', async () => {
    const block = [int32(lz4EightMib.length, true), lz4EightMib];
    const bomb = Buffer.concat([int32(0x184c2102, true), ...repeated(9, block).flat()]);
    const { records } = await around(withBody(await storedBatch(three), LZ4, bomb));
    expect(records[3]!.fault!.reason).toContain('no lz4 frame');
  });

  test.each([500_001, 2 ** 31 - 1])('a claim of %i records', async count => {
    const { records, nextOffset } = await around(
      withBody(await storedBatch(three), 0, Buffer.alloc(50), count),
    );
    expect(records.map(({ offset }) => offset - count)).toEqual([-count, 1 - count, 2 - count, 2, 3, 4, 5]);
    expect(records[3]!.fault!.reason).toContain('more than 500000 records');
    expect(nextOffset).toBe(count + 6);
  });
});

describe('what is large and honest is read', () => {
  const half = { key: 'k', value: new Uint8Array(30 * MIB), headers: {} };

  test.each(Object.entries(COMPRESSION))('%s, just below the limit', async (_name, compression) => {
    const decoded = await decodeBatches(await storedBatch([half, half], { compression }), 0, []);
    expect(decoded.records.map(({ value }) => value?.length)).toEqual([30 * MIB, 30 * MIB]);
  });

  test('snappy in blocks, as Java writes it', async () => {
    const plain = (await storedBatch(three)).subarray(HEAD_BYTES);
    const blocks = [plain.subarray(0, 9), plain.subarray(9)].map(part => compressSnappyBlock(part));
    const { records } = await around(
      withBody(await storedBatch(three), CompressionTypes.Snappy, xerial(blocks)),
    );
    expect(records.map(({ key }) => key).join('')).toBe('abcabcabc');
  });

  // 400,000 bytes by the reference encoder, level 3: with a window and no length, and with a length and no window.
  test.each([
    'KLUv/QRYnAEAJAJhIGN1c3RvbWVyIGxvb2tzLCBidXlmYWxscyBzaWxlbnQKBAC3/15lgKn405RDxTMMTAAACCwBAPz/ORACTAAACG0BAPz/ORACRQAACHQBAHzaAyGeQEoX',
    'KLUv/aSAGgYAnAEAJAJhIGN1c3RvbWVyIGxvb2tzLCBidXlmYWxscyBzaWxlbnQKBAC3/15lgKn405RDxTMMTAAACCwBAPz/ORACTAAACG0BAPz/ORACRQAACHQBAHzaAyGeQEoX',
  ])('zstd: %s', async sample => {
    const line = 'a customer looks, a customer buys, a customer falls silent\n';
    const frame = Buffer.from(sample, 'base64');
    const expected = line.repeat(10_000).slice(0, 400_000);
    expect((await inflate(CompressionTypes.ZSTD, frame)).toString() === expected).toBe(true);
    // Frames may follow one another, and be for others only.
    const forOthers = Buffer.concat([int32(0x184d2a53, true), int32(2, true), Buffer.from('no')]);
    const twice = await inflate(CompressionTypes.ZSTD, Buffer.concat([frame, forOthers, frame]));
    expect(twice.toString() === expected + expected).toBe(true);
  });

  test('every codec but zstd gives back any bytes', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(COMPRESSION.gzip, COMPRESSION.snappy, COMPRESSION.lz4),
        fc.uint8Array({ maxLength: 3_000 }),
        async (compression, bytes) => {
          const packed = await CODECS[compression]!.compress({ buffer: Buffer.from(bytes) });
          expect((await inflate(compression, packed)).equals(bytes)).toBe(true);
        },
      ),
    ));
});
