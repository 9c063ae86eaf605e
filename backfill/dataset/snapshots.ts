/** The rows of a dataset as they grow: vectors, who and when, and the activity that follows. */
import type { CustomerId, EpochMs } from '../../schemas';
import { DAY_MS } from '../../schemas';
import { VECTOR_WIDTH, forEachOrder, writeVector } from '../../processors/core';
import type { CustomerFacts } from '../../processors/core';

/** Spans of 24 hours after a snapshot in which own activity is looked for; they fit the bits of one number. */
export const ACTIVITY_SPANS = 30;

/** Attributes of the profile that fairness is reported by. They are in no vector. */
export const GROUP_ATTRIBUTES = ['gender', 'ageBand', 'location'] as const;
export type GroupAttribute = (typeof GROUP_ATTRIBUTES)[number];

export interface SnapshotRow {
  readonly customerId: CustomerId;
  readonly at: EpochMs;
  readonly firstSeenAt: EpochMs;
  readonly groups: Readonly<Record<GroupAttribute, string>>;
  /** Bit k: own activity in (at + k days, at + (k + 1) days]. */
  activeSpans: number;
  /** Orders placed in (at, at + horizon], net of refunds as far as the archive knows. */
  revenueMinor: number;
  /** Erased customers train nothing. */
  erased: boolean;
}

export class Snapshots {
  private vectors: Float32Array = new Float32Array(1_024 * VECTOR_WIDTH);
  /** Rows whose vectors are elsewhere: they come before all others. */
  private away = 0;

  /** `rows` that were there before, their vectors `drained` already, or in `vectors`. */
  constructor(
    readonly rows: SnapshotRow[] = [],
    vectors: Float32Array | null = null,
  ) {
    if (vectors === null) this.away = rows.length;
    else this.vectors = vectors;
  }

  /** Reads the vector of `facts` at `at`, which holds nothing that arrived later. */
  add(customerId: CustomerId, facts: CustomerFacts, at: EpochMs): SnapshotRow {
    const offset = (this.rows.length - this.away) * VECTOR_WIDTH;
    if (offset + VECTOR_WIDTH > this.vectors.length) {
      const larger = new Float32Array(Math.max(1_024 * VECTOR_WIDTH, 2 * this.vectors.length));
      larger.set(this.vectors);
      this.vectors = larger;
    }
    writeVector(facts, at, this.vectors, offset);
    const { profile } = facts;
    const groups = {
      gender: profile.gender?.value ?? 'unknown',
      ageBand: profile.ageBand?.value ?? 'unknown',
      location: profile.location?.value ?? 'unknown',
    };
    const row = { customerId, at, firstSeenAt: facts.firstSeenAt, groups };
    const grown: SnapshotRow = { ...row, activeSpans: 0, revenueMinor: 0, erased: false };
    this.rows.push(grown);
    return grown;
  }

  /** Rows whose vectors are not held here. */
  get drained(): number {
    return this.away;
  }

  vector(row: number): Float32Array {
    const held = row - this.away;
    return this.vectors.subarray(held * VECTOR_WIDTH, (held + 1) * VECTOR_WIDTH);
  }

  /** Vectors of the rows since the last call, row by row: they are not held here any more. */
  drain(): Float32Array {
    const vectors = this.vectors.slice(0, (this.rows.length - this.away) * VECTOR_WIDTH);
    this.away = this.rows.length;
    return vectors;
  }
}

/** Own activity of a customer at `eventAt`, for the snapshots before it. */
export function noteActivity(rows: readonly SnapshotRow[], eventAt: EpochMs): void {
  for (let index = rows.length - 1; index >= 0; index--) {
    const row = rows[index]!;
    const span = Math.ceil((eventAt - row.at) / DAY_MS) - 1;
    if (span >= ACTIVITY_SPANS) return;
    if (span >= 0) row.activeSpans |= 1 << span;
  }
}

/** Adds the revenue of (at, at + horizon] to every snapshot, from the orders as the archive leaves them. */
export function noteRevenue(rows: readonly SnapshotRow[], facts: CustomerFacts, horizonMs: number): void {
  forEachOrder(facts, ({ placedAt, grossMinor, refundedMinor, counts }) => {
    if (!counts) return;
    for (const row of rows)
      if (placedAt > row.at && placedAt <= row.at + horizonMs) row.revenueMinor += grossMinor - refundedMinor;
  });
}

/** Spans with activity, of 30. */
export function activeSpanCount(row: SnapshotRow): number {
  let count = 0;
  for (let bits = row.activeSpans; bits !== 0; bits &= bits - 1) count++;
  return count;
}
