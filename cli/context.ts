/** What every command is given: the process around it, the parsed settings, and a way to talk. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { EpochMs } from '../schemas';
import { parseInstant } from '../streams/segment/fields';
import { CliError, EXIT, usageError } from './errors';
import type { Io } from './io';
import { Reporter } from './output/reporter';
import { parseSettings, type ParsedSettings } from './settings';

/** Folder that rescore is installed in: the source tree, or the one above `dist`. */
export const PACKAGE_ROOT = ((): string => {
  const above = resolve(__dirname, '..');
  return existsSync(resolve(above, 'package.json')) ? above : resolve(above, '..');
})();

export interface Context {
  io: Io;
  reporter: Reporter;
  settings: ParsedSettings;
  /** Absolute path of a path that was given on the command line. */
  path: (given: string) => string;
}

export interface GlobalOptions {
  json?: boolean;
  settings?: string;
  verbose?: boolean;
}

const DEFAULT_FILE = 'rescore.yaml';

function settingsFile(io: Io, given: string | undefined): { path: string; yaml: string } | null {
  const path = resolve(io.cwd, given ?? DEFAULT_FILE);
  if (given === undefined && !existsSync(path)) return null;
  try {
    return { path: given ?? DEFAULT_FILE, yaml: readFileSync(path, 'utf8') };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(
      'settings-unreadable',
      `The settings file ${given ?? DEFAULT_FILE} cannot be read: ${why}.`,
      EXIT.usage,
    );
  }
}

/** Reads the global options of the program that `command` belongs to. Throws `CliError` for bad settings. */
export function contextOf(io: Io, command: Command): Context {
  const options = command.optsWithGlobals<GlobalOptions>();
  return {
    io,
    reporter: new Reporter(io, { json: options.json ?? false, verbose: options.verbose ?? false }),
    settings: parseSettings(io.env, settingsFile(io, options.settings)),
    path: given => resolve(io.cwd, given),
  };
}

/** `package:models/baseline` is inside the installed package, everything else relative to the working directory. */
export const packagePath = (io: Io, path: string): string =>
  path.startsWith('package:') ? resolve(PACKAGE_ROOT, path.slice('package:'.length)) : resolve(io.cwd, path);

/** `examples` are whole command lines, printed under --help. */
export const withExamples = (
  command: Command,
  examples: readonly (readonly [line: string, why: string])[],
): Command =>
  command.addHelpText(
    'after',
    `\nExamples:\n${examples.map(([line, why]) => `  $ ${line}\n      ${why}`).join('\n')}`,
  );

/** An instant that was given on the command line. `CliError` usage when it is none. */
export function instantOption(flag: string, text: string): EpochMs {
  const at = parseInstant(text);
  if (Number.isNaN(at))
    throw usageError(`${flag} ${text} is not an ISO 8601 instant such as 1998-07-31T00:00:00Z.`);
  return at;
}
