/** Calls of ports that may fail for a moment: asked again after a wait, a few times. */
import { FencedError, OffsetOutOfRangeError } from '../ports';
import type { Clock } from '../ports';
import type { LaneSettings } from './settings';

/** Answers that waiting won't change. */
const isFinal = (error: unknown): boolean =>
  error instanceof FencedError || error instanceof OffsetOutOfRangeError;

export class Patience {
  constructor(
    /** Without one there is no waiting: drivers of replays have no clock but the data's. */
    private readonly clock: Clock | undefined,
    private readonly settings: Pick<LaneSettings, 'attempts' | 'retryMs'>,
    private readonly onRetry: () => void,
  ) {}

  /** @throws what the last attempt threw. */
  async ask<T>(call: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        if (isFinal(error) || attempt >= this.settings.attempts) throw error;
        await this.wait(attempt);
      }
    }
  }

  /** Before attempt number `attempt` + 1. */
  async wait(attempt: number): Promise<void> {
    this.onRetry();
    await this.clock?.sleep(this.settings.retryMs * 2 ** (attempt - 1));
  }
}
