/**
 * A candidate that answers the live stream beside the current model, from a copy of each batch, after the lane has its
 * answers. Nothing waits for it, nothing it says is published, and its failure ends only itself.
 */
import { DifferenceTally } from './agreement';
import { wordsOf } from './events';
import type { ShadowCounts } from './metrics';
import type { HeldModel } from './model-set';

export interface ShadowLimits {
  /** Differences beyond it are counted. */
  difference: number;
  /** A candidate that takes longer for a row is put off: it shares the lanes' processor. */
  microsPerRow: number;
}

const CALLS = 24;
const LEAST_ROWS = 64;

export class Shadow {
  readonly counts: ShadowCounts & { tally: DifferenceTally };
  private readonly calls: number[] = [];
  private isBusy = false;
  private isOff = false;

  constructor(
    readonly held: HeldModel,
    private readonly limits: ShadowLimits,
    private readonly nowMicros: () => number,
    private readonly onFailure: (shadow: Shadow, reason: 'error' | 'slow', words: string) => void,
  ) {
    const { name: model, version } = held;
    const tally = new DifferenceTally(limits.difference, held.model.isAmount);
    this.counts = { model, version, tally, skipped: 0 };
    held.hold();
  }

  /** Begins to answer the batch, or skips it. `champion`: what was answered, not written again by anybody. */
  follow(vectors: Float32Array, rows: number, width: number, champion: Float32Array): void {
    if (this.isOff || rows === 0) return;
    if (this.isBusy) {
      this.counts.skipped++;
      return;
    }
    this.isBusy = true;
    // The lane uses its rows again for the next batch.
    const copy = vectors.slice(0, rows * width);
    void this.answer(copy, rows, champion).finally(() => {
      this.isBusy = false;
      if (this.isOff) this.held.drop();
    });
  }

  /** Never rejects. */
  private async answer(vectors: Float32Array, rows: number, champion: Float32Array): Promise<void> {
    try {
      const startedAt = this.nowMicros();
      const answers = await this.held.model.answer(vectors, rows);
      this.noteCall((this.nowMicros() - startedAt) / Math.max(rows, LEAST_ROWS));
      if (!this.isOff) this.counts.tally.add(champion, answers);
    } catch (error) {
      this.fail('error', wordsOf(error));
    }
  }

  private noteCall(microsPerRow: number): void {
    this.calls.push(microsPerRow);
    if (this.calls.length < CALLS) return;
    const micros = this.calls.sort((a, b) => a - b)[CALLS >> 2]!;
    this.calls.length = 0;
    if (micros > this.limits.microsPerRow)
      this.fail('slow', `${micros.toPrecision(3)} µs a row, at most ${this.limits.microsPerRow}`);
  }

  private fail(reason: 'error' | 'slow', words: string): void {
    if (this.isOff) return;
    this.isOff = true;
    this.onFailure(this, reason, words);
  }

  /** Ends it; its model goes when it has answered what it is at. */
  close(): void {
    if (this.isOff) return;
    this.isOff = true;
    if (!this.isBusy) this.held.drop();
  }
}
