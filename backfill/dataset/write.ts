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
import { LABEL_PLANS, SIDE } from './plan';
import type { ArchiveRange, LabelPlan, Side } from './plan';
import { labelOf, selectRows } from './select';
import { GROUP_ATTRIBUTES } from './snapshots';
import type { SnapshotRow, Snapshots } from './snapshots';

/** The best expectation of a label that anybody could have, where the history is simulated. NaN = not known. */
export type Truth = (customerId: CustomerId, at: EpochMs, model: LabelPlan['name']) => number;

export interface DatasetSummary {
  rows: number;
  customers: number;
  /** Per model and side: rows, and the instants of the first and last snapshot. */
  sides: Record<string, Record<'training' | 'validation', { rows: number; from: EpochMs; until: EpochMs }>>;
}

export function writeDataset(
  folder: string,
  snapshots: Snapshots,
  range: ArchiveRange,
  truth: Truth = () => NaN,
): DatasetSummary {
  const selected = selectRows(snapshots, range);
  const rows = selected.map(({ row }) => row);
  const sides = selected.map(one => one.sides);
  const models = LABEL_PLANS.length;
  const vectors = new Float32Array(rows.length * VECTOR_WIDTH);
  selected.forEach(({ index }, row) => vectors.set(snapshots.vector(index), row * VECTOR_WIDTH));
  const perModel = (value: (plan: LabelPlan, row: SnapshotRow, side: Side) => number): number[] =>
    selected.flatMap(({ row, sides: of }) =>
      LABEL_PLANS.map((plan, column) => value(plan, row, of[column]!)),
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
  put('splits.u8', Uint8Array.from(sides.flat()));
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
    sides: summaryOf(rows, sides, models),
  };
}

/** Rows that models use, and how they lie on both sides of each split; instants are null where there are none. */
export function summariseRows(snapshots: Snapshots, range: ArchiveRange): DatasetSummary {
  const selected = selectRows(snapshots, range);
  const rows = selected.map(({ row }) => row);
  return {
    rows: rows.length,
    customers: new Set(rows.map(({ customerId }) => customerId)).size,
    sides: summaryOf(
      rows,
      selected.map(({ sides }) => sides),
      LABEL_PLANS.length,
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
  sides: readonly (readonly Side[])[],
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
