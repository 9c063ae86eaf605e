/** What each step took and did, for the report: steps/NAME.json, and of replay one for each item, steps/replay/ID.json. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeJson } from './files';
import type { RunFolder } from './run-folder';

export interface StepRecord {
  /** Of the process that ended it: what a process before it did, which was killed, is not in it. */
  seconds: number;
  counts: Record<string, number>;
  /** Code of the error that it ended with; null: it ended well. */
  failed: string | null;
}

/** Folder of the records in a run folder. */
export const STEPS = 'steps';
const REPLAY = 'replay';

const fileOf = (name: string, item: string | null): string[] =>
  item === null ? [STEPS, `${name}.json`] : [STEPS, name, `${item}.json`];

/** Whole or not at all. `item`: of the step, where it has some. */
export const writeStep = (run: RunFolder, name: string, item: string | null, record: StepRecord): void =>
  writeJson(run.at(...fileOf(name, item)), record);

export const hasStep = (run: RunFolder, name: string): boolean => run.has(join(...fileOf(name, null)));

/** Steps in the order of a night; the report is none of them, as it can't say how long it takes itself. */
const REPORTED = ['plan', REPLAY, 'dataset', 'train', 'gate', 'publish', 'consistency', 'drift'];

export interface StepFile {
  name: string;
  file: string;
}

/** The files that there are, in the order of a night; items of replay in the order of their ids. */
export const stepFiles = (directory: string): StepFile[] =>
  REPORTED.flatMap(name => {
    if (name !== REPLAY) return [{ name, file: join(directory, ...fileOf(name, null)) }];
    const items = join(directory, STEPS, REPLAY);
    const ids = existsSync(items) ? readdirSync(items).filter(id => id.endsWith('.json')) : [];
    return ids.sort().map(id => ({ name, file: join(items, id) }));
  }).filter(({ file }) => existsSync(file));

/** The numbers of a result: what was done, in figures. Instants are none. */
export function countsOf(result: unknown): Record<string, number> {
  const numbers = Object.entries((result ?? {}) as Record<string, unknown>).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && !entry[0].endsWith('At'),
  );
  return Object.fromEntries(numbers);
}
