import fc from 'fast-check';
import { murmur2, partitionOf } from './partitioner';

// Values of org.apache.kafka.common.utils.Utils.murmur2, from its own unit test.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('murmur2(%s) is what Java clients compute', (text, hash) => expect(murmur2(Buffer.from(text))).toBe(hash));

test('every key has one partition below the number of partitions', () => {
  const counts = new Array<number>(16).fill(0);
  for (let at = 0; at < 16_000; at++) counts[partitionOf(`customer-${at}`, 16)]!++;
  expect(Math.min(...counts)).toBeGreaterThan(800);
  expect(counts.reduce((a, b) => a + b)).toBe(16_000);
});

/** The partition of a key does not depend on the key before it, however long or foreign either is. */
test('keys of any letters and lengths lie where their UTF-8 bytes say', () =>
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 2_000 }),
      fc.integer({ min: 2, max: 64 }),
      (key, count) => {
        expect(partitionOf(key, count)).toBe((murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % count);
      },
    ),
  ));
