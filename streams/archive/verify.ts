/** Is everything there that the manifests name, bit for bit, and does anything lack between? */
import { createHash } from 'node:crypto';
import { ARCHIVED_TOPICS } from '../../schemas';
import { decodeFile } from './container';
import type { Coverage } from './coverage';
import { coverageOf, holeInWords } from './coverage';
import { ArchiveDamagedError, ArchiveRefusedError } from './errors';
import { readDescription, readManifests } from './manifest';
import type { ArchivedFile } from './manifest';
import type { ArchiveStorage } from './storage';

export interface Verification {
  files: number;
  records: number;
  bytes: number;
  coverage: Coverage[];
  problems: string[];
  /** Objects that no manifest names: left by a crash. They are not read and may be removed. */
  strays: string[];
}

/** Reads every file. @throws ArchiveRefusedError where there is no archive, ArchiveDamagedError for a manifest */
export async function verifyArchive(
  storage: ArchiveStorage,
  tools: { signal?: AbortSignal; onFile?: (done: number, total: number) => void } = {},
): Promise<Verification> {
  const description = await readDescription(storage);
  if (description === null) throw noArchive(storage);
  const files = await readManifests(storage);
  const coverage = coverageOf(files, description);
  const problems = coverage.flatMap(problemsOf);
  let done = 0;
  let bytes = 0;
  let records = 0;
  for (const file of files) {
    if (tools.signal?.aborted === true) break;
    const problem = await problemOf(storage, file);
    if (problem !== null) problems.push(problem);
    bytes += file.bytes;
    records += file.records;
    done++;
    tools.onFile?.(done, files.length);
  }
  const named = new Set(files.map(({ name }) => name));
  const strays: string[] = [];
  for (const topic of ARCHIVED_TOPICS)
    strays.push(...(await storage.list(`${topic}/`)).filter(name => !named.has(name)));
  return { files: done, records, bytes, coverage, problems, strays };
}

export const noArchive = ({ place }: ArchiveStorage): ArchiveRefusedError =>
  new ArchiveRefusedError(`There is no archive in ${place}: look at archive.location, or run the archive.`);

const problemsOf = (one: Coverage): string[] => [
  ...one.holes.map(hole => holeInWords(one, hole)),
  ...one.overlaps.map(name => `${name} begins before the file in front of it ends.`),
];

async function problemOf(storage: ArchiveStorage, file: ArchivedFile): Promise<string | null> {
  const { name } = file;
  const bytes = await storage.read(name);
  if (bytes === null) return `${name} is missing.`;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== file.sha256) return `${name} has the digest ${sha256}, its manifest says ${file.sha256}.`;
  try {
    const rows = decodeFile(name, bytes);
    const isRight =
      rows.length === file.records &&
      rows.every(({ offset }, at) => offset >= (at === 0 ? file.first : rows[at - 1]!.offset + 1)) &&
      rows.at(-1)?.offset === file.end - 1;
    return isRight ? null : `${name} does not hold the records that its manifest says.`;
  } catch (error) {
    if (error instanceof ArchiveDamagedError) return error.message;
    throw error;
  }
}
