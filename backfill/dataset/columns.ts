/** A dataset column by column: what is written as Parquet, and what the leak detector looks at. */
import type { CustomerId, EpochMs } from '../../schemas';
import { FEATURE_NAMES, hash64, hashHex } from '../../processors/core';
import { LeakError, findLeaks } from './leaks';
import type { NamedColumn } from './leaks';
import { LABEL_PLANS, SIDE } from './plan';
import type { ArchiveRange, LabelPlan } from './plan';
import { labelOf, selectRows } from './select';
import type { SelectedRow } from './select';
import { GROUP_ATTRIBUTES } from './snapshots';
import type { Snapshots } from './snapshots';

/** The best expectation of a label that anybody could have, where the history is simulated. */
export type Truth = (customerId: CustomerId, at: EpochMs, model: LabelPlan['name']) => number;

/** Null only where `optional`. TIMESTAMP: milliseconds since 1970, UTC. */
export type DatasetColumn = Readonly<
  | { name: string; type: 'STRING'; values: (string | null)[]; optional: boolean }
  | { name: string; type: 'TIMESTAMP'; values: bigint[]; optional: false }
  | { name: string; type: 'FLOAT'; values: Float32Array; optional: false }
  | { name: string; type: 'DOUBLE'; values: (number | null)[]; optional: true }
>;

const SIDE_NAMES = {
  [SIDE.unused]: null,
  [SIDE.training]: 'training',
  [SIDE.validation]: 'validation',
} as const;
type SideName = 'training' | 'validation';

interface ModelColumns {
  /** In the order of the layout. */
  readonly features: readonly NamedColumn[];
  readonly labels: readonly number[];
  readonly at: readonly EpochMs[];
}

/** The rows of one side of one model. */
export function modelColumns(
  snapshots: Snapshots,
  range: ArchiveRange,
  plan: LabelPlan,
  side: SideName,
): ModelColumns {
  const model = LABEL_PLANS.indexOf(plan);
  const rows = selectRows(snapshots, range).filter(({ sides }) => sides[model] === SIDE[side]);
  return {
    features: featureColumns(snapshots, rows),
    labels: rows.map(({ row }) => labelOf(plan, row)),
    at: rows.map(({ row }) => row.at),
  };
}

/** @throws LeakError for the first model with a feature that alone gives its label away */
export function refuseLeaks(snapshots: Snapshots, range: ArchiveRange): void {
  for (const plan of LABEL_PLANS) {
    const { features, labels } = modelColumns(snapshots, range, plan, 'training');
    const leaks = findLeaks(features, labels);
    if (leaks.length > 0) throw new LeakError(plan.name, leaks);
  }
}

function featureColumns(
  snapshots: Snapshots,
  rows: readonly SelectedRow[],
): { name: string; values: Float32Array }[] {
  return FEATURE_NAMES.map((name, column) => ({
    name,
    values: Float32Array.from(rows, ({ index }) => snapshots.vector(index)[column]!),
  }));
}

/**
 * Who, when, split, label and weight of each model, groups, then the features by their names. Rows by snapshot, then
 * customer: their order does not depend on the order in which customers appeared.
 */
export function datasetColumns(snapshots: Snapshots, range: ArchiveRange, truth?: Truth): DatasetColumn[] {
  const keyed = selectRows(snapshots, range).map(selected => ({
    ...selected,
    customer: hashHex(hash64(selected.row.customerId)),
  }));
  keyed.sort((a, b) => a.row.at - b.row.at || (a.customer < b.customer ? -1 : 1));
  const instants = keyed.map(({ row }) => BigInt(row.at));
  return [
    { name: 'customer', type: 'STRING', values: keyed.map(({ customer }) => customer), optional: false },
    { name: 'snapshot', type: 'TIMESTAMP', values: instants, optional: false },
    // A record that arrived later is not in the vector, whenever it happened.
    { name: 'arrival_cut', type: 'TIMESTAMP', values: instants, optional: false },
    ...LABEL_PLANS.flatMap((_plan, model) => columnsOfModel(keyed, model, truth)),
    ...GROUP_ATTRIBUTES.map(name => ({
      name: `group_${name}`,
      type: 'STRING' as const,
      values: keyed.map(({ row }) => row.groups[name]),
      optional: false,
    })),
    ...featureColumns(snapshots, keyed).map(column => ({
      ...column,
      type: 'FLOAT' as const,
      optional: false as const,
    })),
  ];
}

function columnsOfModel(rows: readonly SelectedRow[], model: number, truth?: Truth): DatasetColumn[] {
  const plan = LABEL_PLANS[model]!;
  const { name } = plan;
  const counts = new Map<string, number>();
  const used = ({ sides }: SelectedRow): boolean => sides[model] !== SIDE.unused;
  for (const { row } of rows.filter(used)) counts.set(row.customerId, (counts.get(row.customerId) ?? 0) + 1);
  const numbers = (prefix: string, of: (selected: SelectedRow) => number): DatasetColumn => ({
    name: `${prefix}_${name}`,
    type: 'DOUBLE',
    values: rows.map(selected => (used(selected) ? of(selected) : null)),
    optional: true,
  });
  const sides = rows.map(selected => SIDE_NAMES[selected.sides[model]!]);
  return [
    { name: `split_${name}`, type: 'STRING', values: sides, optional: true },
    numbers('label', ({ row }) => labelOf(plan, row)),
    // All rows of a customer weigh 1 together: who was there for longer does not count more.
    numbers('weight', ({ row }) => 1 / counts.get(row.customerId)!),
    ...(truth === undefined ? [] : [numbers('truth', ({ row }) => truth(row.customerId, row.at, name))]),
  ];
}
