/** The newest rows of a dataset: the customers as they are now, and the youngest labels that have matured. */
import type { EpochMs } from '../../schemas';
import { DAY_MS } from '../../schemas';
import { FEATURE_NAMES } from '../../processors/core';
import { LABEL_PLANS } from '../dataset';

export type ModelName = (typeof LABEL_PLANS)[number]['name'];

export interface TailRow {
  /** 64-bit hash of the id, in hex. */
  readonly customer: string;
  readonly at: EpochMs;
  readonly vector: Float32Array;
  /** Null: not used by that model. */
  readonly label: Readonly<Record<ModelName, number | null>>;
  /** Whether it is of a customer that trained no model. */
  readonly validates: Readonly<Record<ModelName, boolean>>;
}

export interface DatasetTail {
  /** The newest snapshot; -Infinity for an empty dataset. */
  readonly newestAt: EpochMs;
  readonly rows: readonly TailRow[];
  /** With a label of ltv, of as many days before the newest of those: its 180 days are over. */
  readonly ltvRows: readonly TailRow[];
}

/** Rows are ordered by snapshot (docs/backfill.md), so only two parts of the file are read whole. */
export async function readTail(file: string, days: number): Promise<DatasetTail> {
  const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet');
  const buffer = await asyncBufferFromFile(file);
  const all = await parquetReadObjects({ file: buffer, columns: ['snapshot', 'label_ltv'] });
  const instants = all.map(({ snapshot }) => (snapshot as Date).getTime());
  const lastDays = async (last: number): Promise<TailRow[]> => {
    if (last < 0) return [];
    const rowStart = instants.findIndex(at => at > instants[last]! - days * DAY_MS);
    return (await parquetReadObjects({ file: buffer, rowStart, rowEnd: last + 1 })).map(rowOf);
  };
  const lastLtv = all.findLastIndex(found => typeof found['label_ltv'] === 'number');
  return {
    newestAt: instants.at(-1) ?? -Infinity,
    rows: await lastDays(instants.length - 1),
    ltvRows: (await lastDays(lastLtv)).filter(({ label }) => label.ltv !== null),
  };
}

const perModel = <T>(of: (name: ModelName) => T): Record<ModelName, T> =>
  Object.fromEntries(LABEL_PLANS.map(({ name }) => [name, of(name)])) as Record<ModelName, T>;

const rowOf = (found: Record<string, unknown>): TailRow => ({
  customer: found['customer'] as string,
  at: (found['snapshot'] as Date).getTime(),
  vector: Float32Array.from(FEATURE_NAMES, name => found[name] as number),
  label: perModel(name => (found[`label_${name}`] as number | null | undefined) ?? null),
  validates: perModel(name => found[`split_${name}`] === 'validation'),
});

/** The last row of each customer. */
export function latestOf(rows: readonly TailRow[]): TailRow[] {
  const latest = new Map<string, TailRow>();
  for (const row of rows) {
    const held = latest.get(row.customer);
    if (held === undefined || row.at > held.at) latest.set(row.customer, row);
  }
  return [...latest.values()];
}
