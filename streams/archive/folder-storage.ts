/** A folder as the archive's storage: written beside its place, flushed, then renamed. */
import { open, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { ArchiveStorage } from './storage';

/** Left over from a crash; never listed. */
const UNFINISHED = '.unfinished';

export class FolderStorage implements ArchiveStorage {
  constructor(readonly place: string) {}

  async list(prefix: string): Promise<string[]> {
    // Only the folder that the prefix lies in.
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const root = join(this.place, folder);
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(ifMissing([]));
    return entries
      .filter(entry => entry.isFile() && !entry.name.endsWith(UNFINISHED))
      .map(entry => relative(this.place, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter(name => name.startsWith(prefix))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  read(name: string): Promise<Buffer | null> {
    return readFile(join(this.place, name)).catch(ifMissing(null));
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.place, name);
    const folder = dirname(path);
    const made = await mkdir(folder, { recursive: true });
    const unfinished = `${path}${UNFINISHED}`;
    try {
      await flushed(unfinished, file => file.writeFile(bytes));
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
    await flushFolders(folder, made === undefined ? folder : dirname(made));
  }

  close(): void {
    // Nothing is held open.
  }
}

const ifMissing =
  <T>(value: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };

async function flushed(
  path: string,
  work: (file: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const file = await open(path, 'w');
  try {
    await work(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A name is safe when its folder is; a new folder, when the one above it is. */
async function flushFolders(from: string, to: string): Promise<void> {
  for (let folder = from; ; folder = dirname(folder)) {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (folder === to || folder === dirname(folder)) return;
  }
}
