/**
 * A model that was swapped in is on trial: the one before answers a sample of the same rows, calls are timed, and when
 * enough is seen it has passed, or it goes back. Answers that no score may have need no trial: they are seen at once.
 *
 * No trial is passed without a comparison. How many rows are enough gets fewer as it lasts: all of `rows` at any time, a
 * tenth of them once `forMs` are over, 30 after a day. A stream too quiet for that keeps its version on trial, which costs
 * a model in memory; the rescoring of everybody, which waits for the verdict, would spread it uncompared.
 */
import { DAY_MS } from '../../schemas';
import type { EpochMs } from '../../schemas';
import { agreementOf } from './agreement';
import type { HeldModel } from './model-set';
import type { OpenedModel } from './source';

export interface TrialLimits {
  /** After this long a tenth of `rows` is enough, ms; 0: no trial. */
  forMs: number;
  /** Rows that both models answer before they are compared, if they come in time. */
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
  | { kind: 'passed' }
  | { kind: 'failed'; reason: Exclude<RollbackReason, 'output'>; words: string }
  /** Once, when its time is over: `rows` were compared, and it goes on until `wanted` are. */
  | { kind: 'extended'; rows: number; wanted: number };

/** Rows of a batch that the model before answers too. */
const ROWS_OF_A_BATCH = 256;
const CALLS = 24;
/** A call of few rows costs what it costs: it counts as one of so many. */
const LEAST_ROWS = 64;
/** A trial whose time is over is judged by one in so many of its rows. */
const SHARE_IN_TIME = 10;
/** After `LONG_MS` it is judged by so few: of fewer, an order says little. */
const FEWEST_ROWS = 30;
const LONG_MS = DAY_MS;

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
  private isExtended = false;

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

  /** Lets the model before answer the first rows of a batch too. */
  async compare(vectors: Float32Array, rows: number, answered: Float32Array): Promise<void> {
    const sample = Math.min(rows, ROWS_OF_A_BATCH, this.limits.rows - this.pairs);
    if (sample === 0) return;
    this.previous.hold();
    try {
      this.notePairs(await this.previous.model.answer(vectors, sample), answered);
    } catch {
      // What the model before cannot answer says nothing about this one.
    } finally {
      this.previous.drop();
    }
  }

  noteBatch(rows: number, tookMicros: number): void {
    this.scored += rows;
    if (this.calls.length < CALLS) this.calls.push(tookMicros / Math.max(rows, LEAST_ROWS));
  }

  private notePairs(previous: Float32Array, answered: Float32Array): void {
    const count = Math.min(previous.length, this.limits.rows - this.pairs);
    this.firsts.set(previous.subarray(0, count), this.pairs);
    this.seconds.set(answered.subarray(0, count), this.pairs);
    this.pairs += count;
  }

  /** Null: not enough is seen yet. */
  verdict(now: EpochMs): TrialVerdict | null {
    if (this.calls.length >= CALLS) {
      const micros = [...this.calls].sort((a, b) => a - b)[CALLS >> 2]!;
      if (micros > this.limits.microsPerRow)
        return {
          kind: 'failed',
          reason: 'slow',
          words: `${rounded(micros)} µs a row, at most ${this.limits.microsPerRow}`,
        };
    }
    if (this.pairs < this.wantedRows(now)) return this.extension(now);
    if (!this.agrees) {
      const disagreement = this.disagreement();
      if (disagreement !== null) return disagreement;
      this.agrees = true;
    }
    return this.isOver(now) || this.calls.length >= CALLS ? { kind: 'passed' } : null;
  }

  private extension(now: EpochMs): TrialVerdict | null {
    if (this.isExtended || !this.isOver(now)) return null;
    this.isExtended = true;
    return { kind: 'extended', rows: this.pairs, wanted: this.wantedRows(now) };
  }

  private isOver(now: EpochMs): boolean {
    return now - this.startedAt >= this.limits.forMs;
  }

  private wantedRows(now: EpochMs): number {
    const { rows, forMs } = this.limits;
    if (!this.isOver(now)) return rows;
    const few = Math.ceil(rows / SHARE_IN_TIME);
    return now - this.startedAt < Math.max(forMs, LONG_MS) ? few : Math.min(few, FEWEST_ROWS);
  }

  private disagreement(): (TrialVerdict & { kind: 'failed' }) | null {
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
