/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78; RFC 3720, appendix B.4): the core has no library. Eight bytes a step
 * by eight tables ("slicing-by-8", Kounavis and Berry 2005), which is several times as fast as one by one.
 */
const POLYNOMIAL = 0x82f63b78;
const SIZE = 256;

/** Table k: what a byte comes to that k bytes of zeros follow. */
const TABLES = ((): Int32Array[] => {
  const tables = Array.from({ length: 8 }, () => new Int32Array(SIZE));
  for (let byte = 0; byte < SIZE; byte++) {
    let word = byte;
    for (let bit = 0; bit < 8; bit++) word = (word & 1) === 0 ? word >>> 1 : (word >>> 1) ^ POLYNOMIAL;
    tables[0]![byte] = word;
  }
  for (let k = 1; k < tables.length; k++)
    for (let byte = 0; byte < SIZE; byte++) {
      const before = tables[k - 1]![byte]!;
      tables[k]![byte] = (before >>> 8) ^ tables[0]![before & 255]!;
    }
  return tables;
})();
const [T0, T1, T2, T3] = TABLES as [Int32Array, Int32Array, Int32Array, Int32Array];
const [T4, T5, T6, T7] = TABLES.slice(4) as [Int32Array, Int32Array, Int32Array, Int32Array];

/** Of the first `length` bytes; unsigned. */
export function crc32c(bytes: Uint8Array, length: number): number {
  let crc = -1;
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      T7[crc & 255]! ^
      T6[(crc >>> 8) & 255]! ^
      T5[(crc >>> 16) & 255]! ^
      T4[crc >>> 24]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!;
  }
  for (; at < length; at++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}
