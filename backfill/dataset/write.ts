/**
 * A dataset folder, as the trainer reads it (backfill/trainer/rescore_trainer/dataset.py):
 *
 *     dataset.json   names of features, models and groups, number of rows N
 *     vectors.f32    N × features     labels.f32, truth.f32  N × models      (little-endian float32, row by row)
 *     splits.u8      N × models       customers.i32  N       groups.u8  N × groups
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import type { CustomerId, EpochMs } from '../../schemas';
import { FEATURE_NAMES, VECTOR_WIDTH } from '../../processors/core';
import { LABEL_PLANS, SIDE, isMature, isValidationCustomer, sideOf } from './plan';
import type { ArchiveRange, LabelPlan, Side } from './plan';
import { ACTIVITY_SPANS, GROUP_ATTRIBUTES, activeSpanCount } from './snapshots';
import type { SnapshotRow, Snapshots } from './snapshots';

/** The best expectation of a label that anybody could have, where the history is simulated. NaN = not known. */
export type Truth = (customerId: CustomerId, at: EpochMs, model: LabelPlan['name']) => number;

export interface DatasetSummary {
  rows: number;
  customers: number;
  /** Per model and side: rows, and the instants of the first and last snapshot. */
  sides: Record<string, Record<'training' | 'validation', { rows: number; from: EpochMs; until: EpochMs }>>;
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

export function writeDataset(
  folder: string,
  snapshots: Snapshots,
  range: ArchiveRange,
  truth: Truth = () => NaN,
): DatasetSummary {
  const sides = snapshots.rows.map(row => LABEL_PLANS.map(plan => sideOfRow(plan, row, range)));
  const used = sides.flatMap((row, index) => (row.some(side => side !== SIDE.unused) ? [index] : []));
  const rows = used.map(index => snapshots.rows[index]!);
  const models = LABEL_PLANS.length;
  const vectors = new Float32Array(rows.length * VECTOR_WIDTH);
  used.forEach((index, row) => vectors.set(snapshots.vector(index), row * VECTOR_WIDTH));
  const perModel = (value: (plan: LabelPlan, row: SnapshotRow, side: Side) => number): number[] =>
    rows.flatMap((row, at) =>
      LABEL_PLANS.map((plan, column) => value(plan, row, sides[used[at]!]![column]!)),
    );
  const known = (side: Side, value: () => number): number => (side === SIDE.unused ? NaN : value());
  const labels = perModel((plan, row, side) => known(side, () => labelOf(plan, row)));
  const truths = perModel((plan, row, side) => known(side, () => truth(row.customerId, row.at, plan.name)));
  const numbers = new Map([...new Set(rows.map(row => row.customerId))].map((id, number) => [id, number]));
  const groups = groupCodes(rows);
  const put = (file: string, content: NodeJS.ArrayBufferView | string): void =>
    writeFileSync(join(folder, file), content);
  if (endianness() !== 'LE') throw new Error('Datasets are written on little-endian machines only.');
  mkdirSync(folder, { recursive: true });
  put('vectors.f32', vectors);
  put('labels.f32', Float32Array.from(labels));
  put('truth.f32', Float32Array.from(truths));
  put('splits.u8', Uint8Array.from(used.flatMap(index => sides[index]!)));
  put(
    'customers.i32',
    Int32Array.from(rows, row => numbers.get(row.customerId)!),
  );
  put('groups.u8', Uint8Array.from(groups.codes));
  const names = {
    features: FEATURE_NAMES,
    models: LABEL_PLANS.map(({ name }) => name),
    groups: groups.values,
  };
  put('dataset.json', `${JSON.stringify({ rows: rows.length, ...names }, null, 2)}\n`);
  return {
    rows: rows.length,
    customers: numbers.size,
    sides: summaryOf(
      rows,
      used.map(index => sides[index]!),
      models,
    ),
  };
}

/** Values in alphabetical order, and per row the index of each attribute's. */
function groupCodes(rows: readonly SnapshotRow[]): { values: Record<string, string[]>; codes: number[] } {
  const values = Object.fromEntries(
    GROUP_ATTRIBUTES.map(attribute => [
      attribute,
      [...new Set(rows.map(row => row.groups[attribute]))].sort(),
    ]),
  );
  const codes = rows.flatMap(row => GROUP_ATTRIBUTES.map(name => values[name]!.indexOf(row.groups[name])));
  return { values, codes };
}

function summaryOf(
  rows: readonly SnapshotRow[],
  sides: readonly Side[][],
  models: number,
): DatasetSummary['sides'] {
  const summary: DatasetSummary['sides'] = {};
  for (let column = 0; column < models; column++) {
    const of = (wanted: Side) => {
      const instants = rows.flatMap((row, index) => (sides[index]![column] === wanted ? [row.at] : []));
      const [from, until] = instants.reduce(
        ([least, most], at) => [Math.min(least, at), Math.max(most, at)],
        [Infinity, -Infinity],
      );
      return { rows: instants.length, from, until };
    };
    summary[LABEL_PLANS[column]!.name] = { training: of(SIDE.training), validation: of(SIDE.validation) };
  }
  return summary;
}
