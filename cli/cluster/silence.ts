/**
 * For how long no broker has answered, in time in which this process was awake. One that stood still itself (stopped, a
 * frozen machine) has heard nobody, and finds the answers only after it has looked at its clock.
 */
import type { EpochMs } from '../../schemas';
import { SECOND_MS } from '../../schemas';

/** Without an answer to a fetch for this long the process ends: another one may do better. */
export const SILENCE_MS = 60 * SECOND_MS;
/** Looks are a second apart; a busy process may miss a few. */
const STANDSTILL_MS = 10 * SECOND_MS;

export class Silence {
  private awakeSince: EpochMs;

  constructor(private lookedAt: EpochMs) {
    this.awakeSince = lookedAt;
  }

  /** Call about once a second. */
  at(now: EpochMs, answeredAt: EpochMs): number {
    if (now - this.lookedAt > STANDSTILL_MS) this.awakeSince = now;
    this.lookedAt = now;
    return now - Math.max(answeredAt, this.awakeSince);
  }
}
