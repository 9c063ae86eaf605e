/**
 * The end of an item of an earlier run as the begin of the same item here. What may have changed since it was planned is
 * looked at again: the note that the item was done, the program, the checkpoint, every byte of the vectors.
 *
 * The earlier folder is only read, and no lock of it is taken: what is made anew there, damaged or removed meanwhile
 * shows in the digests of its note.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { decodeCheckpoint, vectorBytes } from './checkpoint';
import type { Checkpoint } from './checkpoint';
import { isUnreadable } from './errors';
import { copyStart, readJson } from './files';
import { itemFiles } from './item';
import type { ItemDone, ItemOfPlan } from './item';
import { RunFolder } from './run-folder';

/** A checkpoint whose vectors are in place; null with a sentence that says why there is none, or nothing was planned. */
export type TakenUp = { checkpoint: Checkpoint; why: null } | { checkpoint: null; why: string | null };

/** `vectors`: the file of this item, which is written over. */
export function takeUp(
  { run, item }: Pick<ItemOfPlan, 'run' | 'item'>,
  foldedBy: string,
  vectors: string,
): TakenUp {
  const { after } = item;
  if (after === undefined) return { checkpoint: null, why: null };
  const files = itemFiles(new RunFolder(run.at(after.run)), item);
  const none = (why: string): TakenUp => ({ checkpoint: null, why: `${basename(after.run)} ${why}.` });
  try {
    const done = readJson<ItemDone>(files.done);
    if (done?.of !== after.of) return none('does not have the item any more that was planned to go on from');
    if (done.foldedBy !== foldedBy)
      return none('folded it with another release, or with another registry.url');
    const checkpoint = decodeCheckpoint(readFileSync(files.checkpoint), files.checkpoint);
    const { size } = statSync(files.vectors);
    if (checkpoint.of !== done.of || checkpoint.records !== done.records)
      return none('has a checkpoint of another item');
    const length = vectorBytes(checkpoint.state.snapshots);
    if (size < length || copyStart(files.vectors, vectors, length) !== done.vectorsSha256)
      return none('has other vectors than its item left');
    return { checkpoint, why: null };
  } catch (error) {
    if (isUnreadable(error)) return none(`can't be read: ${error.message}`);
    throw error;
  }
}
