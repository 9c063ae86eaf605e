/** Bounded reads: never more than the limit, never a device, a pipe or a folder. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { ArtifactError } from '../errors';

/** The file's bytes, or null when it does not exist. Throws `ArtifactError` when it is larger than `limit` bytes. */
export async function readBounded(path: string, limit: number, artifact: string): Promise<Uint8Array | null> {
  // Without O_NONBLOCK the opening of a pipe would wait for somebody who writes into it, before we see what it is.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
      throw error;
    },
  );
  if (handle === null) return null;
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new ArtifactError('file-missing', artifact, 'it is not a file');
    if (stat.size > limit)
      throw new ArtifactError(
        'file-oversize',
        artifact,
        `it has ${stat.size} bytes, more than the limit of ${limit}`,
      );
    const bytes = new Uint8Array(stat.size);
    const { bytesRead } = await handle.read(bytes, 0, stat.size, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

export const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
