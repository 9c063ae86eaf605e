/** A random order of rows that depends on the seed and on where a row stands, on nothing else. */
import { hash64 } from '../../processors/core';

/** 53 random bits for a row: rows sorted by them are in a random order, the same on every machine. */
export const shuffledOrder = (seed: string, file: number, line: number): number => {
  const { hi, lo } = hash64(`${seed}|${file}|${line}`);
  return (hi >>> 11) * 2 ** 32 + (lo >>> 0);
};
