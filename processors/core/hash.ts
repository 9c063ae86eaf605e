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

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

let laneA = 0;
let laneB = 0;

function start(): void {
  laneA = 0x9e3779b9;
  laneB = 0x7f4a7c15;
}

function mix(word: number): void {
  laneA = Math.imul(rotate(laneA ^ Math.imul(word, 0xcc9e2d51), 15), 0x1b873593) + laneB;
  laneB = Math.imul(rotate(laneB ^ Math.imul(word, 0x239b961b), 17), 0xab0e9789) + laneA;
}

function finish(length: number): Hash64 {
  const hi = avalanche(laneA ^ length);
  const lo = avalanche(laneB + hi);
  return { hi, lo };
}

export function hash64(text: string): Hash64 {
  start();
  for (let at = 0; at < text.length; at++) mix(text.charCodeAt(at));
  return finish(text.length);
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
  start();
  for (let index = at; index < at + width; index++) mix(words[index]!);
  return finish(width);
}

const hex8 = (word: number): string => (word + 0x1_0000_0000).toString(16).slice(1);

/** 16 hex digits. */
export const hashHex = ({ hi, lo }: Hash64): string => hex8(hi) + hex8(lo);
