/** What the programs of this folder have in common on the command line (`make baseline`, `best-possible`, `cdnow`). */
import { Command, InvalidArgumentError } from 'commander';
import type { EpochMs } from '../schemas';

export const newProgram = (file: string, description: string): Command =>
  new Command(`node dist/backfill/${file}`)
    .description(description)
    .showHelpAfterError('--help explains it.');

export const wholeNumber =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`Give a whole number, at least ${least}.`);
    return value;
  };

/** A UTC midnight. */
export function midnight(text: string): EpochMs {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  if (Number.isNaN(at)) throw new InvalidArgumentError('Give a day as 2026-01-01.');
  return at;
}

/** Exit code 1 and one line on stderr for what goes wrong. */
export function runProgram<Options>(program: Command, action: (options: Options) => Promise<void>): void {
  program
    .action(action)
    .parseAsync()
    .catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    });
}
