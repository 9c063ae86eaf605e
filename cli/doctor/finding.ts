/** What a look at something found. */
export interface Finding {
  check: string;
  state: 'ok' | 'warning' | 'problem';
  found: string;
  /** What to do about it; empty when all is well. */
  remedy: string;
}

export const ok = (check: string, found: string): Finding => ({ check, state: 'ok', found, remedy: '' });

export const warning = (check: string, found: string, remedy: string): Finding => ({
  check,
  state: 'warning',
  found,
  remedy,
});

export const problem = (check: string, found: string, remedy: string): Finding => ({
  check,
  state: 'problem',
  found,
  remedy,
});

export const why = (error: unknown): string =>
  error instanceof Error ? error.message.split('\n')[0]! : String(error);
