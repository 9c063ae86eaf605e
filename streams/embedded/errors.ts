import { statfsSync } from 'node:fs';

export type EmbeddedErrorCode =
  'state-locked' | 'state-version' | 'state-partitions' | 'state-missing' | 'disk-full';

/** What an operator can mend; the message says how. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError';
  constructor(
    readonly code: EmbeddedErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Below this a failed write is put down to the disk, whatever the system called it. */
const NO_SPACE_BYTES = 1_048_576;

const SAYS_FULL = /ENOSPC|No space left|MDB_MAP_FULL|mapsize|disk quota|EFBIG/i;
/** What LMDB makes of a write that was cut short, and of every write after it. */
const SAYS_BROKEN = /EIO|Input\/output error|setup locks/i;

/** A full disk, or a store that may not grow, as one clear error; anything else as it is. */
export function explainWriteError(error: unknown, directory: string): unknown {
  const text =
    error instanceof Error
      ? `${(error as NodeJS.ErrnoException).code ?? ''} ${error.message}`
      : String(error);
  if (!SAYS_FULL.test(text) && !(SAYS_BROKEN.test(text) && freeBytes(directory) < NO_SPACE_BYTES))
    return error;
  return new EmbeddedError(
    'disk-full',
    `The disk that holds ${directory} is full. Nothing that was acknowledged is lost; free some space and start again.`,
    { cause: error },
  );
}

/** A write was cut short: LMDB must not be asked again. */
export const isCutShort = (error: unknown): boolean => SAYS_BROKEN.test(String(error));

/**
 * LMDB could not write its own list of free pages and took the whole transaction back (lmdb 3.5.6, seen once in some
 * 400,000 transactions): it reads the list anew for the next one, which then succeeds.
 */
export const isGivenUp = (error: unknown): boolean => /MDB_BAD_TXN.*freelist/.test(String(error));

function freeBytes(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}
