/**
 * A 64-bit hash as two 32-bit lanes: identifies message ids, order ids and vectors. Not for secrets.
 * Two multiply-rotate lanes with different constants that feed each other, finished by the avalanche of
 * MurmurHash3 (public domain, Austin Appleby).
 */
export interface Hash64 {
  hi: number;
  lo: number;
}

const avalanche = (lane: number): number => {
  lane = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b);
  lane = Math.imul(lane ^ (lane >>> 13), 0xc2b2ae35);
  return (lane ^ (lane >>> 16)) >>> 0;
};

/** The lanes are locals of a loop: V8 puts every new value of a variable outside of it on the heap. */
function finish(laneA: number, laneB: number, length: number): Hash64 {
  const hi = avalanche(laneA ^ length);
  const lo = avalanche(laneB + hi);
  return { hi, lo };
}

const START_A = 0x9e3779b9;
const START_B = 0x7f4a7c15;

const mixA = (laneA: number, laneB: number, word: number): number => {
  const mixed = laneA ^ Math.imul(word, 0xcc9e2d51);
  return (Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593) + laneB) | 0;
};

/** `laneA` is the one that `word` was mixed into. */
const mixB = (laneA: number, laneB: number, word: number): number => {
  const mixed = laneB ^ Math.imul(word, 0x239b961b);
  return (Math.imul((mixed << 17) | (mixed >>> 15), 0xab0e9789) + laneA) | 0;
};

export function hash64(text: string): Hash64 {
  let laneA = START_A | 0;
  let laneB = START_B | 0;
  for (let at = 0; at < text.length; at++) {
    const word = text.charCodeAt(at);
    laneA = mixA(laneA, laneB, word);
    laneB = mixB(laneA, laneB, word);
  }
  return finish(laneA, laneB, text.length);
}

/** The vectors of a batch lie in one array: its words are looked at through one view. */
let viewed: Float32Array | null = null;
let words: Uint32Array = new Uint32Array(0);

/** Over the bits of `width` float32 from `at` on. */
export function hashVector(vectors: Float32Array, at: number, width: number): Hash64 {
  if (viewed !== vectors) {
    words = new Uint32Array(vectors.buffer, vectors.byteOffset, vectors.length);
    viewed = vectors;
  }
  let laneA = START_A | 0;
  let laneB = START_B | 0;
  for (let index = at; index < at + width; index++) {
    const word = words[index]!;
    laneA = mixA(laneA, laneB, word);
    laneB = mixB(laneA, laneB, word);
  }
  return finish(laneA, laneB, width);
}

const HEX = Array.from({ length: 256 }, (_, byte) => (byte + 0x100).toString(16).slice(1));

/** By a table: five times as fast as a number's own digits, and every score has several. */
const hex8 = (word: number): string =>
  HEX[word >>> 24]! + HEX[(word >>> 16) & 0xff]! + HEX[(word >>> 8) & 0xff]! + HEX[word & 0xff]!;

/** 16 hex digits. */
export const hashHex = ({ hi, lo }: Hash64): string => hex8(hi) + hex8(lo);
