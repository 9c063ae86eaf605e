/** Laws of portions: nothing is lost or moved, and a topic takes each of them. */
import * as fc from 'fast-check';
import { BYTES_A_SEND, MESSAGES_A_SEND, portionsOf } from './sending';

interface Item {
  at: number;
  bytes: number;
}
const bytesOf = ({ bytes }: Item): number => bytes;
/** By the thousand and tiny, about as large as a portion, too large for any. */
const items = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ count: fc.nat(1_500), bytes: fc.nat(3_000) }) },
      fc.record({ count: fc.constant(1), bytes: fc.integer({ min: 700_000, max: 900_000 }) }),
    ),
    { maxLength: 6 },
  )
  .map(runs =>
    runs
      .flatMap(({ count, bytes }) => Array.from({ length: count }, () => bytes))
      .map((bytes, at): Item => ({ at, bytes })),
  );
const total = (portion: readonly Item[]): number => portion.reduce((sum, { bytes }) => sum + bytes, 0);

test('portions are all items in their order, none is empty', () =>
  fc.assert(
    fc.property(items, given => {
      const portions = [...portionsOf(given, bytesOf)];
      expect(portions.flat()).toEqual(given);
      expect(portions.every(({ length }) => length > 0)).toBe(true);
    }),
  ));

test('a portion keeps both limits, but for a single item that is too large by itself', () =>
  fc.assert(
    fc.property(items, given => {
      for (const portion of portionsOf(given, bytesOf)) {
        expect(portion.length).toBeLessThanOrEqual(MESSAGES_A_SEND);
        if (portion.length > 1) expect(total(portion)).toBeLessThan(BYTES_A_SEND);
      }
    }),
  ));

test('no portion is smaller than it need be', () =>
  fc.assert(
    fc.property(items, given => {
      const portions = [...portionsOf(given, bytesOf)];
      for (const [at, portion] of portions.slice(0, -1).entries()) {
        const more = [...portion, portions[at + 1]![0]!];
        // What a record costs beside its bytes counts, too.
        const isFull = more.length > MESSAGES_A_SEND || total(more) + 1_024 * more.length > BYTES_A_SEND;
        expect(isFull).toBe(true);
      }
    }),
  ));

test('what is too large goes alone, and what is about it stays together', () => {
  const sizes = [10, 10, BYTES_A_SEND * 3, 10, 10].map((bytes, at) => ({ at, bytes }));
  const portions = [...portionsOf(sizes, bytesOf)].map(portion => portion.map(({ at }) => at));
  expect(portions).toEqual([[0, 1], [2], [3, 4]]);
});
