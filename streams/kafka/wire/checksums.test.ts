/** Damage is found wherever it is, and only what is sound is believed. */
import * as fc from 'fast-check';
import { Damages, soundPart } from './checksums';
import { storedBatch } from './testing/batches';

const CHECKSUM_AT = 17;
const batchesOf = (sizes: readonly number[]): Promise<Buffer[]> =>
  Promise.all(
    sizes.map((size, at) =>
      storedBatch([{ key: `k${at}`, value: new Uint8Array(size).fill(at), headers: {} }], {
        baseOffset: at * 10,
        timestamp: 1_000 + at,
      }),
    ),
  );
const sizes = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 6 });
const index = fc.nat();

test('what is whole is sound, also when its last batch is cut off', () =>
  fc.assert(
    fc.asyncProperty(sizes, index, async (lengths, cut) => {
      const bytes = Buffer.concat(await batchesOf(lengths));
      const came = bytes.subarray(0, bytes.length - (cut % bytes.length));
      expect(soundPart(came)).toEqual({ sound: came, damage: null });
    }),
  ));

test('a bit that is wrong in or behind a checksum is found; the batches before and the one behind are believed', () =>
  fc.assert(
    fc.asyncProperty(sizes, index, index, fc.nat(7), async (lengths, which, where, bit) => {
      const batches = await batchesOf(lengths);
      const at = which % batches.length;
      const damaged = batches[at]!;
      const byte = CHECKSUM_AT + (where % (damaged.length - CHECKSUM_AT));
      damaged[byte] = damaged[byte]! ^ (1 << bit);
      const { sound, damage } = soundPart(Buffer.concat(batches));
      expect(sound.equals(Buffer.concat(batches.slice(0, at)))).toBe(true);
      const next = at + 1 < batches.length ? { offset: (at + 1) * 10, timestamp: 1_001 + at } : null;
      expect(damage).toEqual({ next });
    }),
  ));

test('a length that is wrong leads to no batch that is not there', () =>
  fc.assert(
    fc.asyncProperty(sizes, index, fc.integer(), async (lengths, which, length) => {
      const batches = await batchesOf(lengths);
      const at = which % batches.length;
      batches[at]!.writeInt32BE(length, 8);
      const { damage } = soundPart(Buffer.concat(batches));
      const places = batches.map((_, place) => place * 10);
      if (damage !== null && damage.next !== null) expect(places).toContain(damage.next.offset);
    }),
  ));

describe('who comes upon damage', () => {
  const next = { offset: 30, timestamp: 7 };

  test('fetches it again, twice, before it is a fault up to the sound batch behind it', () => {
    const damages = new Damages();
    expect(damages.judge('orders/0', 20, { next })).toBeNull();
    expect(damages.judge('orders/0', 20, { next })).toBeNull();
    expect(damages.judge('orders/0', 20, { next })).toMatchObject({
      offset: 29,
      timestamp: 7,
      value: null,
      fault: { code: 'batch-damaged', reason: expect.stringContaining('offsets 20 to 29') as string },
    });
  });

  test('begins to count anew elsewhere', () => {
    const damages = new Damages();
    for (const offset of [20, 20, 25]) expect(damages.judge('orders/0', offset, { next })).toBeNull();
    expect(damages.judge('orders/1', 25, { next })).toBeNull();
  });

  test('goes nowhere while nothing sound is behind it', () => {
    const damages = new Damages();
    for (let times = 0; times < 9; times++) expect(damages.judge('orders/0', 20, { next: null })).toBeNull();
    expect(damages.judge('orders/0', 20, { next })).not.toBeNull();
  });
});
