/** What swaps may do to the process: its memory, and how long everything else in it waits. */
import { readFileSync } from 'node:fs';

/** How late a timer of 2 ms comes: what everything else in the process waits for, too. */
export class StallWatch {
  /** Timers by how late they came, in tenths of a millisecond; the last bin is everything above. */
  private readonly bins = new Uint32Array(50_000);
  private readonly timer: NodeJS.Timeout;
  private last = performance.now();

  constructor() {
    this.timer = setInterval(() => {
      const now = performance.now();
      const late = Math.round(10 * Math.max(0, now - this.last - 2));
      this.bins[Math.min(late, this.bins.length - 1)]!++;
      this.last = now;
    }, 2);
  }

  /** Of the delays since the last call, ms. */
  take(): { p99: number; p999: number; most: number } {
    const timers = this.bins.reduce((sum, count) => sum + count, 0);
    const at = (share: number): number => {
      let seen = 0;
      return this.bins.findIndex(count => (seen += count) >= share * timers) / 10;
    };
    const found = { p99: at(0.99), p999: at(0.999), most: at(1) };
    this.bins.fill(0);
    return found;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

/** Anonymous memory of this process in MB: files that are mapped (the state) are the kernel's to give back. */
export function residentMegabytes(): number {
  const anonymous = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return anonymous === null ? process.memoryUsage().rss / 1e6 : Number(anonymous[1]) / 1_000;
}

export interface Memory {
  swaps: number;
  megabytes: number;
}

/**
 * Megabytes per thousand swaps, by least squares, over the second half (in the first one the allocator's arenas fill, and
 * so does what is held of customers, once), with the standard error of that slope. NaN where there are too few looks.
 */
export function growth(samples: readonly Memory[]): { slope: number; error: number } {
  const late = samples.slice(Math.ceil(samples.length / 2));
  const mean = (of: (sample: Memory) => number): number =>
    late.reduce((sum, one) => sum + of(one), 0) / late.length;
  const [x, y] = [mean(one => one.swaps), mean(one => one.megabytes)];
  const up = late.reduce((sum, one) => sum + (one.swaps - x) * (one.megabytes - y), 0);
  const across = late.reduce((sum, one) => sum + (one.swaps - x) ** 2, 0);
  const slope = up / across;
  const rest = late.reduce((sum, one) => sum + (one.megabytes - y - slope * (one.swaps - x)) ** 2, 0);
  const error = Math.sqrt(rest / (late.length - 2) / across);
  return { slope: 1_000 * slope, error: 1_000 * error };
}
