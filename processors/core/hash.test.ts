import fc from 'fast-check';
import { hash64, hashHex, hashVector } from './hash';

const WORD = 2n ** 32n;
const rotate = (word: bigint, by: bigint): bigint => ((word << by) | (word >> (32n - by))) % WORD;

/** The same in whole numbers without a size. */
function reference(words: readonly number[]): string {
  const avalanche = (lane: bigint): bigint => {
    lane = ((lane ^ (lane >> 16n)) * 0x85ebca6bn) % WORD;
    lane = ((lane ^ (lane >> 13n)) * 0xc2b2ae35n) % WORD;
    return lane ^ (lane >> 16n);
  };
  let [a, b] = [0x9e3779b9n, 0x7f4a7c15n];
  for (const word of words.map(BigInt)) {
    a = (rotate(a ^ ((word * 0xcc9e2d51n) % WORD), 15n) * 0x1b873593n + b) % WORD;
    b = (rotate(b ^ ((word * 0x239b961bn) % WORD), 17n) * 0xab0e9789n + a) % WORD;
  }
  const hi = avalanche(a ^ BigInt(words.length));
  const lo = avalanche((b + hi) % WORD);
  return [hi, lo].map(lane => lane.toString(16).padStart(8, '0')).join('');
}

const unitsOf = (text: string): number[] =>
  Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));

test('a text is hashed by its code units, a vector by the bits of its cells', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), text => {
      expect(hashHex(hash64(text))).toBe(reference(unitsOf(text)));
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.nat(0xffffffff), { maxLength: 70 }), fc.nat(5), (words, before) => {
      const bits = new Uint32Array(before + words.length);
      bits.set(words, before);
      const found = hashVector(new Float32Array(bits.buffer), before, words.length);
      expect(hashHex(found)).toBe(reference(words));
    }),
  );
});

test('what is stored and published stays what it was', () => {
  const vector = Float32Array.from({ length: 61 }, (_, at) => (at % 7 === 0 ? NaN : at / 3));
  expect(['', 'a', 'order-1', 'Zoë', 'x'.repeat(5_000)].map(text => hashHex(hash64(text)))).toEqual([
    '92ca2f0eef2e5b91',
    '50bbe63c760c090a',
    '4a16e069c0bc2a16',
    '4c99693d575741a7',
    '25f30edd398d1dbf',
  ]);
  expect(hashHex(hashVector(vector, 0, 61))).toBe('f5ce16bd8b322d72');
});
