/** What an item of a run leaves in its folder, and what that depends on. */
import type { ArchiveRange, HistoryKind } from '../dataset';
import { readJson, sha256 } from './files';
import type { PlanItem } from './plan';
import type { RunFolder } from './run-folder';

export interface ItemDone {
  id: string;
  of: string;
  /** The program that folded all of it, and how it read records; null: several did. */
  foldedBy: string | null;
  records: number;
  customers: number;
  rows: number;
  counts: { inputs: number; refused: number; received: number };
  /** Digests of rows and vectors, and of customers at the end. */
  rowsSha256: string;
  vectorsSha256: string;
  latestSha256: string;
}

export interface ItemOfPlan {
  run: RunFolder;
  item: PlanItem;
  kind: HistoryKind;
  range: ArchiveRange;
  /** Of the plan; `rules` are part of them. */
  conditions: string;
}

export const itemFiles = (run: RunFolder, { id }: Pick<PlanItem, 'id'>) => ({
  done: run.at('items', `${id}.json`),
  checkpoint: run.at('items', `${id}.checkpoint`),
  vectors: run.at('items', `${id}.vectors`),
  rows: run.at('items', `${id}.rows`),
  latest: run.at('items', `${id}.latest`),
  lock: run.at('items', `${id}.lock`),
});

/** Of the files that an item leaves: one that was done by a release with others is done again. */
const FORM = 3;

/** What an item's results depend on. */
export const fingerprintOf = ({ item, kind, range, conditions }: Omit<ItemOfPlan, 'run'>): string =>
  sha256(JSON.stringify([FORM, item.id, item.files, kind, range, conditions]));

/** Null: not done, or not of this plan. */
export function itemDone(options: ItemOfPlan): ItemDone | null {
  const done = readJson<ItemDone>(itemFiles(options.run, options.item).done);
  return done?.of === fingerprintOf(options) ? done : null;
}
