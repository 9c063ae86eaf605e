/** Snapshots without their vectors as columns: in checkpoints, and in what an item leaves for the dataset. */
import type { CustomerId } from '../../schemas';
import { GROUP_ATTRIBUTES } from '../dataset';
import type { SnapshotRow } from '../dataset';
import type { Column, Columns } from './columns-file';

/** Values of each attribute in the order in which they appeared; the columns hold indices. */
export type GroupValues = Record<string, string[]>;

export interface RowColumns {
  groups: GroupValues;
  columns: Columns;
}

/** `from` of a typed array takes several times as long. */
function filled<T extends Column>(
  cells: T,
  rows: readonly SnapshotRow[],
  of: (row: SnapshotRow) => number,
): T {
  for (let at = 0; at < rows.length; at++) cells[at] = of(rows[at]!);
  return cells;
}

/** `customers`: the place of each id. */
export function columnsOfRows(
  rows: readonly SnapshotRow[],
  customers: ReadonlyMap<CustomerId, number>,
): RowColumns {
  const groups: GroupValues = {};
  const codes: Record<string, Uint32Array> = {};
  const { length } = rows;
  for (const attribute of GROUP_ATTRIBUTES) {
    const known = new Map<string, number>();
    codes[`group_${attribute}`] = filled(new Uint32Array(length), rows, ({ groups: own }) => {
      const value = own[attribute];
      const code = known.get(value) ?? known.size;
      if (code === known.size) known.set(value, code);
      return code;
    });
    groups[attribute] = [...known.keys()];
  }
  return {
    groups,
    columns: {
      customer: filled(new Uint32Array(length), rows, ({ customerId }) => customers.get(customerId)!),
      at: filled(new Float64Array(length), rows, ({ at }) => at),
      firstSeenAt: filled(new Float64Array(length), rows, ({ firstSeenAt }) => firstSeenAt),
      activeSpans: filled(new Int32Array(length), rows, ({ activeSpans }) => activeSpans),
      revenueMinor: filled(new Float64Array(length), rows, ({ revenueMinor }) => revenueMinor),
      erased: filled(new Uint8Array(length), rows, ({ erased }) => Number(erased)),
      ...codes,
    },
  };
}

/** `ids`: by place. */
export function rowsOfColumns({ groups, columns }: RowColumns, ids: readonly CustomerId[]): SnapshotRow[] {
  const group = (attribute: string, row: number): string =>
    groups[attribute]![columns[`group_${attribute}`]![row]!]!;
  return Array.from(columns['at']!, (at, row) => ({
    customerId: ids[columns['customer']![row]!]!,
    at,
    firstSeenAt: columns['firstSeenAt']![row]!,
    groups: {
      gender: group('gender', row),
      ageBand: group('ageBand', row),
      location: group('location', row),
    },
    activeSpans: columns['activeSpans']![row]!,
    revenueMinor: columns['revenueMinor']![row]!,
    erased: columns['erased']![row] === 1,
  }));
}

export const idsToColumn = (ids: readonly CustomerId[]): Uint8Array => Buffer.from(JSON.stringify(ids));
export const idsOfColumn = ({ ids }: Columns): CustomerId[] =>
  JSON.parse(Buffer.from(ids as Uint8Array).toString('utf8')) as CustomerId[];
