/** JSON files that are either the old or the new one after a crash, never half of each. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { CliError } from '../errors';

export function writeJsonAtomically(path: string, value: unknown): void {
  const next = `${path}.next`;
  const file = openSync(next, 'w');
  try {
    const body = Buffer.from(`${JSON.stringify(value)}\n`, 'utf8');
    for (let at = 0; at < body.length;) at += writeSync(file, body, at, body.length - at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(next, path);
}

/** Null when there is none. The file is ours: anything else in it is damage. */
export function readJsonFile<T>(path: string): T | null {
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    throw new CliError('state-damaged', `The file ${path} of the state is not JSON.`);
  }
}
