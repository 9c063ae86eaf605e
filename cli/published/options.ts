/** What commands that list messages are asked with. */
import { parseInstant } from '../../streams/segment/fields';
import type { EpochMs } from '../../schemas';
import { usageError } from '../errors';

export function instantOption(name: string, given: string | undefined): EpochMs | null {
  if (given === undefined) return null;
  const at = parseInstant(given);
  if (Number.isNaN(at)) throw usageError(`--${name} ${given} is not a time such as 2026-01-31T00:00:00Z.`);
  return at;
}

export function wholeOption(name: string, given: string): number {
  const value = Number(given);
  if (!Number.isInteger(value) || value < 1)
    throw usageError(`--${name} ${given} is not a whole number above 0.`);
  return value;
}
