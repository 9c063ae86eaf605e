/** Customers as they are at the end of a run's range: what drift is measured on, since no label has to mature for it. */
import { readFileSync } from 'node:fs';
import type { EpochMs } from '../../schemas';
import { VECTOR_WIDTH } from '../../processors/core';
import { decodeColumns } from './columns-file';
import { BackfillError } from './errors';
import { sha256 } from './files';
import type { Plan } from './plan';
import { itemDone, itemFiles } from './item';
import type { RunFolder } from './run-folder';

export interface LatestCustomers {
  readonly at: EpochMs;
  /** One a customer. */
  readonly vectors: readonly Float32Array[];
}

/** Null: an item is not replayed, or by another plan. @throws BackfillError run-damaged */
export function readLatest(
  run: RunFolder,
  { items, range, source, conditions }: Plan,
): LatestCustomers | null {
  const vectors: Float32Array[] = [];
  for (const item of items) {
    const done = itemDone({ run, item, kind: source.kind, range, conditions });
    if (done === null) return null;
    const { latest: file } = itemFiles(run, item);
    const bytes = readFileSync(file);
    if (sha256(bytes) !== done.latestSha256)
      throw new BackfillError('run-damaged', `${file} was changed after its item was done.`);
    const held = decodeColumns(bytes, file).columns['vectors'] as Float32Array;
    for (let at = 0; at < held.length; at += VECTOR_WIDTH) vectors.push(held.subarray(at, at + VECTOR_WIDTH));
  }
  return { at: range.endAt, vectors };
}
