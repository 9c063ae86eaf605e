/** Rows of a file that is what its manifest says. */
import { createHash } from 'node:crypto';
import { decodeFile } from './container';
import type { ArchivedRow } from './container';
import { ArchiveDamagedError } from './errors';
import type { ArchivedFile } from './manifest';
import type { ArchiveStorage } from './storage';

/** @throws ArchiveDamagedError when it is missing or has other bytes */
export async function readRows(
  storage: ArchiveStorage,
  { name, sha256 }: ArchivedFile,
): Promise<ArchivedRow[]> {
  const bytes = await storage.read(name);
  if (bytes === null)
    throw new ArchiveDamagedError(`${name} is missing in ${storage.place}: restore it from a copy.`);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256)
    throw new ArchiveDamagedError(`${name} has not the digest that its manifest says.`);
  return decodeFile(name, bytes);
}
