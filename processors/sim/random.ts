/**
 * Seeded randomness: the same seed gives the same draws on every machine. The generator is sfc32 (Chris Doty-Humphrey,
 * PractRand), seeded through splitmix32; the draws are textbook methods, named where they are.
 */
const UINT32 = 2 ** 32;

function splitmix32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

/** FNV-1a, 32 bits, over UTF-16 code units. */
function hashLabel(label: string, basis: number): number {
  let hash = basis >>> 0;
  for (let at = 0; at < label.length; at++) hash = Math.imul(hash ^ label.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

export class Random {
  private readonly seed: number;
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: number | string) {
    this.seed = typeof seed === 'string' ? hashLabel(seed, 0x811c9dc5) : foldSeed(seed);
    const mix = splitmix32(this.seed);
    [this.a, this.b, this.c] = [mix(), mix(), mix()];
    for (let round = 0; round < 12; round++) this.uint32();
  }

  private uint32(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** [0, 1), 32 bits. */
  next(): number {
    return this.uint32() / UINT32;
  }

  /** Whole numbers 0 to `below` - 1. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** Whole numbers from `low` to `high`, both inclusive. */
  between(low: number, high: number): number {
    return low + this.int(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(from.length)]!;
  }

  /**
   * An independent generator for a part; this one does not advance. Labels are words: seed and label meet in one hash,
   * where labels of a single character can be the same fork of two neighbouring seeds.
   */
  fork(label: string | number): Random {
    return new Random(hashLabel(String(label), this.seed ^ 0x811c9dc5));
  }

  /** Standard normal, by Box and Muller. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** By Knuth's product for small means, by the rounded normal above 30. */
  poisson(mean: number): number {
    if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()));
    const limit = Math.exp(-mean);
    let count = 0;
    for (let product = this.next(); product > limit; product *= this.next()) count++;
    return count;
  }

  /** By Marsaglia and Tsang; mean = shape × scale. */
  gamma(shape: number, scale: number): number {
    if (shape < 1) return this.gamma(shape + 1, scale) * Math.pow(1 - this.next(), 1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v <= 0) continue;
      if (Math.log(1 - this.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v * scale;
    }
  }

  beta(a: number, b: number): number {
    const x = this.gamma(a, 1);
    return x / (x + this.gamma(b, 1));
  }

  /** In place, by Fisher and Yates; returns its argument. */
  shuffle<T>(list: T[]): T[] {
    for (let at = list.length - 1; at > 0; at--) {
      const other = this.int(at + 1);
      [list[at], list[other]] = [list[other]!, list[at]!];
    }
    return list;
  }
}

/** Both halves of a large seed count. */
const foldSeed = (seed: number): number => ((seed >>> 0) ^ Math.floor(seed / UINT32)) >>> 0;
