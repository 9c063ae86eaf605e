/** Files that survive a crash: written under another name, flushed, then given their own in one step. */
import { link, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** End of the other name. What a crash leaves is never listed and never in the way. */
export const UNFINISHED = '.unfinished';

/** A link is made only where nothing has the name. */
export async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

export async function writeFlushed(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A name is safe when its folder is; a new folder, when the one above it is. */
export async function flushFolders(from: string, to: string): Promise<void> {
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
