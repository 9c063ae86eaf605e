/** So many a second, evenly: who calls waits for its turn. */
import type { Clock } from '../../processors/ports';
import { SECOND_MS, type EpochMs } from '../../schemas';

/** Shorter waits than this cost more than they space, ms. */
const SHORTEST_MS = 10;

export class Pace {
  private turnAt: EpochMs;

  constructor(
    private readonly clock: Clock,
    private readonly perSecond: number,
    private readonly signal: AbortSignal,
  ) {
    this.turnAt = clock.now();
  }

  async turn(): Promise<void> {
    const now = this.clock.now();
    // What was late is not made up for: a slow reader would otherwise be answered with a burst.
    this.turnAt = Math.max(this.turnAt, now - SECOND_MS) + SECOND_MS / this.perSecond;
    const wait = this.turnAt - now;
    if (wait >= SHORTEST_MS) await this.clock.sleep(wait, this.signal);
  }
}
