/** `--after` of `plan`: which earlier runs its items may go on from, and in words what came of it. */
import { basename } from 'node:path';
import { earlierRun, runsBeside } from '../../backfill/pipeline/continuation';
import type { Beginning, EarlierRun } from '../../backfill/pipeline/continuation';
import { RunFolder } from '../../backfill/pipeline/run-folder';
import type { Context } from '../context';
import { usageError } from '../errors';
import { count } from '../output/format';

/** Of all run folders beside the new one. */
const LATEST = 'latest';

/** Earlier runs by the archive that the new one is of; null: the option was not given. */
export type Earlier = ((archive: string) => EarlierRun[]) | null;

/** @throws CliError usage, before anything is read */
export function afterOption({ path }: Context, run: RunFolder, given: string | undefined): Earlier {
  if (given === undefined) return null;
  if (given === LATEST) return archive => runsBeside(run, archive);
  const folder = new RunFolder(path(given));
  if (folder.directory === run.directory)
    throw usageError(`--after ${given} is the run itself: name an earlier run folder, or ${LATEST}.`);
  const found = earlierRun(folder);
  if (found === null)
    throw usageError(
      `--after ${given} holds no plan.json that can be read: name the folder of an earlier run, or ${LATEST}, or leave --after out.`,
    );
  return () => [found];
}

const SHOWN = 5;

const listed = (ids: readonly string[]): string =>
  ids.length <= SHOWN ? ids.join(', ') : `${ids.slice(0, SHOWN).join(', ')} … (${count(ids.length)} items)`;

/** A line for each item that goes on, and one for each reason why others do not. */
export function beginningsInWords(beginnings: readonly Beginning[]): { said: string[]; saved: number } {
  const refused = new Map<string, string[]>();
  for (const { item, why } of beginnings)
    if (why !== null) refused.set(why, [...(refused.get(why) ?? []), item.id]);
  let saved = 0;
  const lines = beginnings.flatMap(({ item: { id, after, records } }) => {
    if (after === undefined) return [];
    saved += after.records;
    return [
      `${id} goes on from ${basename(after.run)}: of ${count(records)} records ${count(after.records)} are folded there.`,
    ];
  });
  for (const [why, ids] of refused) lines.push(`From the first record: ${listed(ids)}. ${why}`);
  return { said: lines, saved };
}
