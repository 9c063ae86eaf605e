/** The items of a run as one dataset: in the order of the plan, so that the order in which they were replayed is not seen. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { DAY_MS } from '../../schemas';
import { VECTOR_WIDTH } from '../../processors/core';
import { LABEL_PLANS, LeakError, Snapshots, summariseRows, writeParquet } from '../dataset';
import type { ArchiveRange, DatasetSummary, SnapshotRow } from '../dataset';
import { decodeColumns } from './columns-file';
import { BackfillError } from './errors';
import { readInto, sha256, sha256OfFile, writeJson } from './files';
import type { Plan } from './plan';
import { itemDone, itemFiles } from './item';
import type { ItemDone } from './item';
import { idsOfColumn, rowsOfColumns } from './row-columns';
import type { GroupValues } from './row-columns';
import type { RunFolder } from './run-folder';

export interface DatasetNote extends DatasetSummary {
  range: ArchiveRange;
  /** Of dataset.parquet. */
  sha256: string;
  bytes: number;
  /** Of all items. */
  counts: {
    records: number;
    inputs: number;
    refused: number;
    received: number;
    customers: number;
    snapshots: number;
  };
  /** Digest of what it was made of. */
  inputs: string;
}

export const DATASET_FILE = 'dataset.parquet';

const inputsOf = (plan: Plan, items: readonly ItemDone[]): string =>
  sha256(
    JSON.stringify([
      plan.layout,
      plan.range,
      items.map(({ rowsSha256, vectorsSha256 }) => [rowsSha256, vectorsSha256]),
    ]),
  );

/** Every item of the plan. @throws BackfillError step-missing with the items that are not done */
function itemsOf(run: RunFolder, plan: Plan): ItemDone[] {
  const { range, conditions, source } = plan;
  const found = plan.items.map(item => itemDone({ run, item, kind: source.kind, range, conditions }));
  const missing = plan.items.filter((_item, at) => found[at] === null).map(({ id }) => id);
  if (missing.length > 0)
    throw new BackfillError(
      'step-missing',
      `${missing.length} of ${plan.items.length} item(s) are not replayed: ${missing.slice(0, 5).join(', ')}.`,
    );
  return found as ItemDone[];
}

/** Snapshots of all items. @throws BackfillError step-missing, run-damaged */
export function joinItems(run: RunFolder, plan: Plan): { snapshots: Snapshots; items: ItemDone[] } {
  const items = itemsOf(run, plan);
  const rows: SnapshotRow[] = [];
  const vectors = new Float32Array(items.reduce((sum, item) => sum + item.rows, 0) * VECTOR_WIDTH);
  for (const item of items) {
    const files = itemFiles(run, item);
    const bytes = wholeOf(files.rows);
    if (sha256(bytes) !== item.rowsSha256) throw changed(files.rows);
    const { meta, columns } = decodeColumns<{ groups: GroupValues }>(bytes, files.rows);
    const own = vectors.subarray(rows.length * VECTOR_WIDTH, (rows.length + item.rows) * VECTOR_WIDTH);
    readVectors(files.vectors, own, item.vectorsSha256);
    for (const row of rowsOfColumns({ groups: meta.groups, columns }, idsOfColumn(columns))) rows.push(row);
  }
  return { snapshots: new Snapshots(rows, vectors), items };
}

const changed = (file: string): BackfillError =>
  new BackfillError('run-damaged', `${file} was changed after its item was done.`);

function wholeOf(file: string): Buffer {
  if (!existsSync(file)) throw changed(file);
  return readFileSync(file);
}

function readVectors(file: string, target: Float32Array, digest: string): void {
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  const isWhole = existsSync(file) && statSync(file).size === bytes.length;
  if (!isWhole || readInto(bytes, file) !== bytes.length || sha256(bytes) !== digest) throw changed(file);
}

/** Null: there is none, or one of other items. */
export function datasetDone(run: RunFolder, plan: Plan): DatasetNote | null {
  if (!run.has('dataset.json') || !run.has(DATASET_FILE)) return null;
  const note = run.require<DatasetNote>('dataset.json', 'dataset');
  return note.inputs === inputsOf(plan, itemsOf(run, plan)) ? note : null;
}

/** @throws BackfillError step-missing, run-damaged, history-short, dataset-leak */
export async function makeDataset(run: RunFolder, plan: Plan): Promise<DatasetNote> {
  const { snapshots, items } = joinItems(run, plan);
  const summary = summariseRows(snapshots, plan.range);
  refuseEmpty(summary, plan, items);
  const file = run.at(DATASET_FILE);
  let bytes: number;
  try {
    ({ bytes } = await writeParquet(file, snapshots, plan.range));
  } catch (error) {
    if (error instanceof LeakError) throw new BackfillError('dataset-leak', error.message, { cause: error });
    throw error;
  }
  const sum = (of: (item: ItemDone) => number): number => sumOf(items, of);
  const note: DatasetNote = {
    ...summary,
    range: plan.range,
    sha256: sha256OfFile(file),
    bytes,
    counts: {
      records: sum(({ records }) => records),
      inputs: sum(({ counts }) => counts.inputs),
      refused: sum(({ counts }) => counts.refused),
      received: sum(({ counts }) => counts.received),
      customers: sum(({ customers }) => customers),
      snapshots: snapshots.rows.length,
    },
    inputs: inputsOf(plan, items),
  };
  writeJson(run.at('dataset.json'), note);
  return note;
}

/** A model without rows on both sides can't be trained at all. */
function refuseEmpty({ sides }: DatasetSummary, { range }: Plan, items: readonly ItemDone[]): void {
  if (LABEL_PLANS.some(({ name }) => sides[name]!.training.rows > 0 && sides[name]!.validation.rows > 0))
    return;
  const days = Math.floor((range.endAt - range.startAt) / DAY_MS);
  const [records, refused] = [sumOf(items, one => one.records), sumOf(items, one => one.counts.refused)];
  throw new BackfillError(
    'history-short',
    `${days} days of history with ${records} records, ${refused} of them refused, give no model rows to train and to validate with.`,
  );
}

const sumOf = (items: readonly ItemDone[], of: (item: ItemDone) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
