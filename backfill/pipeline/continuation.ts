/**
 * A night goes on from the night before: an item begins where the same item of an earlier run ended.
 *
 * It does so only where that is the beginning of its own history: the same partitions of the same kind of history from
 * the same instant on, under the same conditions, folded by the same program up to a midnight, from the very files that
 * the archive still has up to there, and from no others. Else it begins at the first record, and one line says why.
 *
 * This is decided once, with the plan; what may have changed until the replay is looked at again there (take-up.ts).
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { LAYOUT_FINGERPRINT } from '../../models/layout';
import type { EpochMs } from '../../schemas';
import { DAY_MS } from '../../schemas';
import type { ArchivedFile } from '../../streams/archive';
import { isUnreadable } from './errors';
import { readJson } from './files';
import { fingerprintOf, itemDone, itemFiles } from './item';
import { filesDigest } from './plan';
import type { Continuation, Plan, PlanItem } from './plan';
import { RunFolder } from './run-folder';

export interface EarlierRun {
  folder: RunFolder;
  plan: Plan;
}

/** An item of a plan, and what it begins with. */
export interface Beginning {
  item: PlanItem;
  /** Null: it goes on from the run that `item.after` names. Else a sentence: why it begins at the first record. */
  why: string | null;
}

export interface ContinuationRequest {
  /** Where `plan` will lie. */
  run: RunFolder;
  plan: Plan;
  /** In the order in which they are tried, item by item. */
  earlier: readonly EarlierRun[];
  /** Of the archive as it is now. */
  files: readonly ArchivedFile[];
  foldedBy: string;
}

const PLAN = 'plan.json';
const instantOf = (at: EpochMs): string => `${new Date(at).toISOString().slice(0, 16)}Z`;

/** Null: it holds no plan, or none that can be read. */
export function earlierRun(folder: RunFolder): EarlierRun | null {
  try {
    const plan = readJson<Partial<Plan>>(folder.at(PLAN));
    const isOne = plan?.version === 1 && plan.range !== undefined && plan.source !== undefined;
    return isOne && Array.isArray(plan.items) ? { folder, plan: plan as Plan } : null;
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

/** Other runs of the archive in the folder that `run` lies in: those that reach furthest come first. */
export function runsBeside(run: RunFolder, archive: string): EarlierRun[] {
  const parent = dirname(run.directory);
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .filter(name => name !== basename(run.directory) && existsSync(join(parent, name, PLAN)))
    .sort()
    .reverse()
    .map(name => earlierRun(new RunFolder(join(parent, name))))
    .filter(found => found?.plan.source.archive === archive)
    .map(found => found!)
    .sort((one, other) => other.plan.range.endAt - one.plan.range.endAt);
}

/** The items of `plan`, each with the first run that it can go on from. */
export function beginningsOf(request: ContinuationRequest): Beginning[] {
  const { run, plan, earlier } = request;
  const candidates = earlier.map(one => ({ ...one, why: whyNotRun(plan, one.plan) }));
  return plan.items.map(item => {
    let why: string | null = null;
    for (const candidate of candidates) {
      const { directory } = candidate.folder;
      const found = candidate.why ?? continuationFrom(request, item, candidate);
      if (typeof found !== 'string')
        return { item: { ...item, after: { run: relative(run.directory, directory), ...found } }, why: null };
      why ??= `${basename(directory)} ${found}.`;
    }
    return { item, why: why ?? 'No earlier run of this archive lies beside it.' };
  });
}

/** As the end of a sentence about the earlier run; null: nothing speaks against it for all items alike. */
function whyNotRun({ source, range, conditions }: Plan, earlier: Plan): string | null {
  if (earlier.layout !== LAYOUT_FINGERPRINT) return 'was planned by a release with other features';
  if (earlier.conditions !== conditions) return 'was planned with another currency or input.standInIds';
  if (earlier.source.kind !== source.kind)
    return `is of a ${earlier.source.kind} history, this run of a ${source.kind} one`;
  const { startAt, endAt } = earlier.range;
  if (startAt !== range.startAt)
    return `begins at ${instantOf(startAt)}, this run at ${instantOf(range.startAt)}, as the archive or --from does`;
  if (endAt > range.endAt) return `ends at ${instantOf(endAt)}, after this run`;
  // In the middle of a day customers are looked at in another order than a run has them that goes on.
  return endAt % DAY_MS === 0 ? null : `ends at ${instantOf(endAt)}, which is no midnight`;
}

function continuationFrom(
  { files, foldedBy }: ContinuationRequest,
  { id, partitions }: PlanItem,
  { folder, plan }: EarlierRun,
): Omit<Continuation, 'run'> | string {
  const { range, conditions, source } = plan;
  const item = plan.items.find(one => one.id === id && one.partitions.join() === partitions.join());
  if (item === undefined) return 'has no item of the same partitions';
  const own = { run: folder, item, kind: source.kind, range, conditions };
  const done = doneOf(own);
  if (done === null) return 'has not replayed it, or with files of another release';
  if (done.foldedBy !== foldedBy) return 'folded it with another release, or with another registry.url';
  const { checkpoint, vectors } = itemFiles(folder, item);
  if (!existsSync(checkpoint) || !existsSync(vectors))
    return 'does not have its checkpoint or its vectors any more';
  if (filesDigest(partitions, files, range.endAt) !== item.files)
    return `was made of other files up to ${instantOf(range.endAt)} than the archive has now`;
  return { of: fingerprintOf(own), records: done.records };
}

/** Null also where its note can't be read. */
function doneOf(own: Parameters<typeof itemDone>[0]): ReturnType<typeof itemDone> {
  try {
    return itemDone(own);
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}
