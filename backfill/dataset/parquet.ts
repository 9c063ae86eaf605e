/**
 * A dataset as one Parquet file (docs/backfill.md lists its columns). The same history gives the same bytes: nothing in
 * the file depends on the clock, the machine or its folder.
 */
import { closeSync, fsyncSync, openSync, renameSync, statSync } from 'node:fs';
import { LAYOUT_FINGERPRINT } from '../../models/layout';
import { DAY_MS } from '../../schemas';
import { datasetColumns, refuseLeaks } from './columns';
import type { DatasetColumn, Truth } from './columns';
import { LABEL_PLANS } from './plan';
import type { ArchiveRange } from './plan';
import type { Snapshots } from './snapshots';

/** A reader takes a group at once: with the columns of a dataset about 15 MB. */
const ROWS_PER_GROUP = 50_000;

export interface ParquetSummary {
  rows: number;
  columns: number;
  bytes: number;
}

/** What a reader finds in the file's own metadata. */
const metadataOf = ({ startAt, endAt }: ArchiveRange) => [
  { key: 'rescore.layout', value: LAYOUT_FINGERPRINT },
  {
    key: 'rescore.range',
    value: JSON.stringify({ start: new Date(startAt).toISOString(), end: new Date(endAt).toISOString() }),
  },
  {
    key: 'rescore.labels',
    value: JSON.stringify(
      LABEL_PLANS.map(({ name, horizonMs, tenureMs }) => ({
        name,
        horizonDays: horizonMs / DAY_MS,
        tenureDays: tenureMs / DAY_MS,
      })),
    ),
  },
];

/**
 * Writes all of `file` or nothing; what had the name is replaced.
 * @throws LeakError before anything is written
 */
export async function writeParquet(
  file: string,
  snapshots: Snapshots,
  range: ArchiveRange,
  truth?: Truth,
): Promise<ParquetSummary> {
  refuseLeaks(snapshots, range);
  const columns = datasetColumns(snapshots, range, truth);
  const partial = `${file}.partial`;
  await writeColumns(partial, columns, range);
  const descriptor = openSync(partial, 'r+');
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(partial, file);
  return { rows: columns[0]!.values.length, columns: columns.length, bytes: statSync(file).size };
}

async function writeColumns(
  filename: string,
  columns: readonly DatasetColumn[],
  range: ArchiveRange,
): Promise<void> {
  // An ES module: a program of CommonJS loads it like this.
  const { parquetWriteFile } = await import('hyparquet-writer');
  parquetWriteFile({
    filename,
    columnData: columns.map(({ name, type, values, optional }) => ({
      name,
      type,
      data: values,
      nullable: optional,
    })),
    rowGroupSize: ROWS_PER_GROUP,
    kvMetadata: metadataOf(range),
    createdBy: 'rescore',
  });
}
