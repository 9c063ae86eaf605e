/**
 * A model that was swapped in is on trial: the one before answers a sample of the same rows, calls are timed, and when
 * enough is seen it has passed, or it goes back. Answers that no score may have need no trial: they are seen at once.
 */
import type { EpochMs } from '../../schemas';
import { agreementOf } from './agreement';
import type { HeldModel } from './model-set';
import type { OpenedModel } from './source';

export interface TrialLimits {
  /** A trial ends after this long, whatever was seen, ms; 0: no trial. */
  forMs: number;
  /** Rows that both models answer before they are compared. */
  rows: number;
  /** Most microseconds a row: of the quickest quarter of the calls, so that a busy machine is not the model's fault. */
  microsPerRow: number;
  /** Most mean difference between the two, on the same rows. */
  difference: number;
  /** Least rank correlation between the two. */
  order: number;
}

/** Why a model went back: a label of metrics. */
export const ROLLBACK_REASONS = ['output', 'slow', 'shifted', 'reordered'] as const;
export type RollbackReason = (typeof ROLLBACK_REASONS)[number];

export type TrialVerdict =
  { kind: 'passed' } | { kind: 'failed'; reason: Exclude<RollbackReason, 'output'>; words: string };

/** Rows of a batch that the model before answers too. */
const ROWS_OF_A_BATCH = 256;
const CALLS = 24;
/** A call of few rows costs what it costs: it counts as one of so many. */
const LEAST_ROWS = 64;
/** What a trial that ran out of time must have seen to be judged. */
const LEAST_SHARE = 0.1;

const rounded = (value: number): string => value.toPrecision(3);

export class Trial<M extends OpenedModel = OpenedModel> {
  /** Scores that were answered since it began. */
  scored = 0;
  private readonly calls: number[] = [];
  private readonly firsts: Float32Array;
  private readonly seconds: Float32Array;
  private pairs = 0;
  /** Compared, and found to agree. */
  private agrees = false;

  constructor(
    readonly model: HeldModel<M>,
    /** The last one that is proven. */
    readonly previous: HeldModel<M>,
    readonly startedAt: EpochMs,
    private readonly limits: TrialLimits,
  ) {
    this.firsts = new Float32Array(limits.rows);
    this.seconds = new Float32Array(limits.rows);
  }

  /** How many of the first rows of a batch the model before is to answer. */
  sampleOf(rows: number): number {
    return Math.min(rows, ROWS_OF_A_BATCH, this.limits.rows - this.pairs);
  }

  noteBatch(rows: number, tookMicros: number): void {
    this.scored += rows;
    if (this.calls.length < CALLS) this.calls.push(tookMicros / Math.max(rows, LEAST_ROWS));
  }

  notePairs(previous: Float32Array, answered: Float32Array): void {
    const count = Math.min(previous.length, this.limits.rows - this.pairs);
    this.firsts.set(previous.subarray(0, count), this.pairs);
    this.seconds.set(answered.subarray(0, count), this.pairs);
    this.pairs += count;
  }

  /** Null: not enough is seen yet. */
  verdict(now: EpochMs): TrialVerdict | null {
    const isOver = now - this.startedAt >= this.limits.forMs;
    if (this.calls.length >= CALLS) {
      const micros = [...this.calls].sort((a, b) => a - b)[CALLS >> 2]!;
      if (micros > this.limits.microsPerRow)
        return {
          kind: 'failed',
          reason: 'slow',
          words: `${rounded(micros)} µs a row, at most ${this.limits.microsPerRow}`,
        };
    }
    const isSeen = this.pairs >= this.limits.rows;
    if (!isSeen && !isOver) return null;
    if (!this.agrees && this.pairs >= LEAST_SHARE * this.limits.rows) {
      const disagreement = this.disagreement();
      if (disagreement !== null) return disagreement;
      this.agrees = true;
    }
    return isOver || this.calls.length >= CALLS ? { kind: 'passed' } : null;
  }

  private disagreement(): TrialVerdict | null {
    const { model, previous, pairs, limits } = this;
    const { isAmount } = model.model;
    const seen = [this.firsts.subarray(0, pairs), this.seconds.subarray(0, pairs)] as const;
    const { difference, order } = agreementOf(...seen, isAmount);
    const beside = `from ${previous.version} on the same ${pairs} rows`;
    if (order !== null && order < limits.order)
      return {
        kind: 'failed',
        reason: 'reordered',
        words: `rank correlation ${rounded(order)} ${beside}, at least ${limits.order}`,
      };
    if (difference > limits.difference)
      return {
        kind: 'failed',
        reason: 'shifted',
        words: `mean difference ${rounded(difference)} ${beside}, at most ${limits.difference}`,
      };
    return null;
  }
}
