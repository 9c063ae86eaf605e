/** The code that folds a history, told by its bytes: for a program that does not know its commit (code-commit.ts). */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { trainerDirectory } from './trainer';

/** From records to facts and vectors. */
const FOLDERS = ['schemas', 'processors', 'streams', 'backfill'];
const IS_CODE = /(?<!\.test)\.(js|ts|avsc)$/;
/** It folds nothing, and holds the packages of Python. */
const LEFT_OUT = 'trainer';

function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === LEFT_OUT ? [] : filesOf(path);
    return IS_CODE.test(entry.name) ? [path] : [];
  });
}

/** Hex SHA-256. `compiled`: where the program runs; Avro schemas are read from the `project`, not from there. */
export function codeDigest(
  compiled = join(__dirname, '..', '..'),
  project = join(trainerDirectory(), '..', '..'),
): string {
  const hash = createHash('sha256');
  const folders = [...FOLDERS.map(name => join(compiled, name)), join(project, 'schemas')];
  for (const [number, folder] of folders.entries())
    for (const file of filesOf(folder))
      hash
        .update(`${number} ${file.slice(folder.length)}\n`)
        .update(readFileSync(file))
        .update('\0');
  return hash.digest('hex');
}
