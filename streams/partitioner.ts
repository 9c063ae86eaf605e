/** The partition of a key: murmur2 with the seed and the masking of Java's Kafka clients, so that all agree. */
const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** MurmurHash2, 32 bits, little endian (public domain, Austin Appleby). Signed, as Java prints it. */
export function murmur2(bytes: Uint8Array, length = bytes.length): number {
  let hash = SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    word = Math.imul(word, M);
    word ^= word >>> R;
    hash = Math.imul(hash, M) ^ Math.imul(word, M);
  }
  const rest = length - at;
  if (rest === 3) hash ^= bytes[at + 2]! << 16;
  if (rest >= 2) hash ^= bytes[at + 1]! << 8;
  if (rest >= 1) hash = Math.imul(hash ^ bytes[at]!, M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
}

/** Of one key after another; a key takes three bytes a character at most. */
let scratch = Buffer.alloc(3 * 256);

export function partitionOf(key: string, partitions: number): number {
  if (partitions === 1) return 0;
  if (3 * key.length > scratch.length) scratch = Buffer.alloc(6 * key.length);
  return (murmur2(scratch, scratch.write(key)) & 0x7fffffff) % partitions;
}
