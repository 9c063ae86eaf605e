/** How the rows of a dataset lie on both sides of each model's split. */
import type { EpochMs } from '../../schemas';
import { LABEL_PLANS, SIDE } from './plan';
import type { ArchiveRange, Side } from './plan';
import { selectRows } from './select';
import type { Snapshots } from './snapshots';

export interface DatasetSummary {
  /** That at least one model uses. */
  rows: number;
  customers: number;
  /** Per model and side: rows, and the instants of the first and last snapshot (not finite where there is none). */
  sides: Record<string, Record<'training' | 'validation', { rows: number; from: EpochMs; until: EpochMs }>>;
}

export function summariseRows(snapshots: Snapshots, range: ArchiveRange): DatasetSummary {
  const selected = selectRows(snapshots, range);
  const sideOf = (model: number, wanted: Side) => {
    const instants = selected.flatMap(({ row, sides }) => (sides[model] === wanted ? [row.at] : []));
    const [from, until] = instants.reduce(
      ([least, most], at) => [Math.min(least, at), Math.max(most, at)],
      [Infinity, -Infinity],
    );
    return { rows: instants.length, from, until };
  };
  return {
    rows: selected.length,
    customers: new Set(selected.map(({ row }) => row.customerId)).size,
    sides: Object.fromEntries(
      LABEL_PLANS.map(({ name }, model) => [
        name,
        { training: sideOf(model, SIDE.training), validation: sideOf(model, SIDE.validation) },
      ]),
    ),
  };
}
