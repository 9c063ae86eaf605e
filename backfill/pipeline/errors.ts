/** Expected endings of the nightly job; codes are stable, the command line says what to do about each. */
export type BackfillErrorCode =
  | 'run-missing'
  | 'run-damaged'
  | 'run-changed'
  | 'history-short'
  | 'history-gap'
  | 'step-missing'
  | 'dataset-leak'
  | 'trainer-failed'
  | 'interrupted';

export class BackfillError extends Error {
  override readonly name = 'BackfillError';
  constructor(
    readonly code: BackfillErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const UNREADABLE = new Set(['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR', 'ESTALE', 'EIO']);

/** Whether a file of a run folder is missing, damaged or out of reach: what can be done without it goes on without it. */
export const isUnreadable = (error: unknown): error is Error =>
  error instanceof BackfillError || UNREADABLE.has((error as NodeJS.ErrnoException).code ?? '');
