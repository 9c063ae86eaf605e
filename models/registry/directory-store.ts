/** A folder as a registry: every object is written beside its place, flushed, then put there in one step. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { sha256Hex } from '../layout';
import { isClaim, withClaim } from './claim';
import { readBounded } from './files';
import { UNFINISHED, flushFolders, linked, writeFlushed } from './safe-files';
import type { RegistryStore, StoredObject } from './store';

export class DirectoryStore implements RegistryStore {
  constructor(readonly place: string) {}

  async list(prefix: string): Promise<string[]> {
    const root = join(this.place, prefix.slice(0, prefix.lastIndexOf('/') + 1));
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(ifMissing([]));
    return entries
      .filter(entry => entry.isFile() && !entry.name.endsWith(UNFINISHED) && !isClaim(entry.name))
      .map(entry => relative(this.place, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter(name => name.startsWith(prefix))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  async read(name: string, limit: number): Promise<StoredObject | null> {
    const bytes = await readBounded(join(this.place, name), limit, name);
    return bytes === null ? null : { bytes, tag: sha256Hex(bytes) };
  }

  async swap(name: string, bytes: Uint8Array, expected: string | null): Promise<boolean> {
    const path = join(this.place, name);
    const made = await mkdir(dirname(path), { recursive: true });
    const unfinished = `${path}.${randomUUID()}${UNFINISHED}`;
    try {
      await writeFlushed(unfinished, bytes);
      const done =
        expected === null
          ? await linked(unfinished, path)
          : await withClaim(path, expected, async () => {
              if ((await this.tagOf(name)) !== expected) return false;
              await rename(unfinished, path);
              return true;
            });
      if (done) await flushFolders(dirname(path), made === undefined ? dirname(path) : dirname(made));
      return done || (await this.tagOf(name)) === sha256Hex(bytes);
    } finally {
      await rm(unfinished, { force: true });
    }
  }

  close(): void {
    // Nothing is held open.
  }

  private async tagOf(name: string): Promise<string | null> {
    return (await this.read(name, Number.MAX_SAFE_INTEGER))?.tag ?? null;
  }
}

const ifMissing =
  <T>(value: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return value;
    throw error;
  };
