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

/** A full disk, or a store that may not grow, as one clear error; anything else as it is. */
export function explainWriteError(error: unknown, directory: string): unknown {
  const text =
    error instanceof Error
      ? `${(error as NodeJS.ErrnoException).code ?? ''} ${error.message}`
      : String(error);
  if (!/ENOSPC|No space left|MDB_MAP_FULL|mapsize|disk quota/i.test(text)) return error;
  return new EmbeddedError(
    'disk-full',
    `The disk that holds ${directory} is full. Nothing that was acknowledged is lost; free some space and start again.`,
    { cause: error },
  );
}
