import type { Clock } from '../../../processors/ports';

/** Time passes when a test says so. */
export class ManualClock implements Clock {
  private at = 1_767_225_600_000;
  private sleepers: { until: number; wake: () => void }[] = [];

  now(): number {
    return this.at;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(wake => {
      const sleeper = { until: this.at + ms, wake };
      this.sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.sleepers = this.sleepers.filter(one => one !== sleeper);
        wake();
      });
    });
  }

  advance(ms: number): void {
    this.at += ms;
    const due = this.sleepers.filter(({ until }) => until <= this.at);
    this.sleepers = this.sleepers.filter(({ until }) => until > this.at);
    for (const { wake } of due) wake();
  }
}
