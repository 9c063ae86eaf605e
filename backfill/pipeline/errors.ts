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
