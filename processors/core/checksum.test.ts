import { crc32c as library } from '@node-rs/crc32';
import fc from 'fast-check';
import { crc32c } from './checksum';

test('the check value of CRC-32C, and the samples of RFC 3720 (B.4)', () => {
  const of = (bytes: Uint8Array): number => crc32c(bytes, bytes.length);
  expect(of(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(of(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(of(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(of(Uint8Array.from({ length: 32 }, (_, at) => at))).toBe(0x46dd794e);
  expect(of(new Uint8Array(0))).toBe(0);
});

test('it is what the library of the Kafka client computes, of the first bytes alone', () =>
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, wanted) => {
      const length = Math.min(wanted, bytes.length);
      expect(crc32c(bytes, length)).toBe(library(bytes.subarray(0, length)));
    }),
  ));
