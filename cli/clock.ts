/** The one file that may ask the machine what time it is. Everything else takes an instant or this port. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../processors/ports';

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      // An aborted sleep is an early wake-up, as the port says; nothing else can fail here.
      if (!signal?.aborted) throw error;
    }
  },
};

/** Time that begins at `startAt` and runs `speed` times as fast as `clock`: for demonstrations. */
export function acceleratedClock(clock: Clock, startAt: number, speed: number): Clock {
  const startedAt = clock.now();
  return {
    now: () => Math.floor(startAt + (clock.now() - startedAt) * speed),
    sleep: (ms, signal) => clock.sleep(Math.ceil(ms / speed), signal),
  };
}
