/** Which snapshots a dataset holds, and on which side of each model they are. */
import { LABEL_PLANS, SIDE, isMature, isValidationCustomer, sideOf } from './plan';
import type { ArchiveRange, LabelPlan, Side } from './plan';
import { ACTIVITY_SPANS, activeSpanCount } from './snapshots';
import type { SnapshotRow, Snapshots } from './snapshots';

export interface SelectedRow {
  /** Place in the snapshots, to look up the vector by. */
  readonly index: number;
  readonly row: SnapshotRow;
  /** By model, in the order of `LABEL_PLANS`. */
  readonly sides: readonly Side[];
}

/** engagement: share of the spans with own activity; churn: none at all; ltv: revenue in major units. */
export function labelOf({ name }: LabelPlan, row: SnapshotRow): number {
  if (name === 'ltv') return row.revenueMinor / 100;
  return name === 'churn' ? Number(row.activeSpans === 0) : activeSpanCount(row) / ACTIVITY_SPANS;
}

/** The side of one row in one model: unused too when too new, not mature or erased. */
function sideOfRow(plan: LabelPlan, row: SnapshotRow, range: ArchiveRange): Side {
  if (row.erased || row.firstSeenAt > row.at - plan.tenureMs || !isMature(plan, row.at, range))
    return SIDE.unused;
  return sideOf(plan, isValidationCustomer(row.customerId), row.at, range);
}

/** Rows that at least one model uses, in the order of the snapshots. */
export function selectRows(snapshots: Snapshots, range: ArchiveRange): SelectedRow[] {
  return snapshots.rows
    .map((row, index) => ({ index, row, sides: LABEL_PLANS.map(plan => sideOfRow(plan, row, range)) }))
    .filter(({ sides }) => sides.some(side => side !== SIDE.unused));
}
