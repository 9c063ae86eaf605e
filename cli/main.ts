#!/usr/bin/env -S node --max-semi-space-size=64
/** The command `rescore`: reads the command line, runs one command, answers with an exit code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { openRegistrySource, openScorer } from '../models';
import { MappingError } from '../streams/mapping';
import { systemClock } from './clock';
import { commands } from './commands';
import { PACKAGE_ROOT } from './context';
import { CliError, EXIT, type ExitCode } from './errors';
import type { Io } from './io';

const version = (): string =>
  (JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string }).version;

function buildProgram(io: Io): Command {
  const program = new Command('rescore')
    .description('Turns web events and orders into live customer scores, also when only time passes.')
    .version(version())
    .option('--json', 'print results as JSON')
    .option('--settings <file>', 'settings file (default: rescore.yaml, if there is one)')
    .option('--verbose', 'say more on the way, and where an error came from')
    .showHelpAfterError('(rescore --help lists the commands)')
    .exitOverride()
    .configureOutput({
      writeOut: text => void io.stdout.write(text),
      writeErr: text => void io.stderr.write(text),
      getOutHasColors: () => io.terminal,
      getErrHasColors: () => io.terminal,
    })
    .addHelpText(
      'after',
      '\nExit codes: 0 done (also with dead letters), 1 failure, 2 usage, 3 stopped by --strict.' +
        '\nStart with `rescore demo`, or `rescore replay --help`.',
    );
  // Commands inherit what the program was given before they were added.
  for (const register of commands(main)) register(program, io);
  return program;
}

/** A mapping is named on the command line, so a wrong one is a wrong use. */
const exitCodeOf = (error: Error): ExitCode =>
  error instanceof CliError ? error.exitCode : error instanceof MappingError ? EXIT.usage : EXIT.failure;

/** Runs one command line. Resolves with the exit code; never rejects. */
export async function main(argv: readonly string[], io: Io): Promise<ExitCode> {
  const verbose = argv.includes('--verbose');
  try {
    await buildProgram(io).parseAsync([...argv], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const said = error instanceof Error ? error : new Error(String(error));
    const code = 'code' in said && typeof said.code === 'string' ? `${said.code}: ` : '';
    io.stderr.write(`rescore: ${code}${said.message}\n`);
    if (verbose && said.stack) io.stderr.write(`${said.stack}\n`);
    return exitCodeOf(said);
  }
}

/** The process that we are: its streams, environment, clock and models. */
export function processIo(open: Io['openScorer'] = openScorer): Io {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stop.abort();
    });
  // `rescore world | head`: a reader that has enough is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
  return {
    // Touched only by commands that read it: a process that was given none still starts.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    clock: systemClock,
    cpuMicros: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    terminal: process.stdout.isTTY === true,
    openScorer: open,
    openModelSource: openRegistrySource,
    signal: stop.signal,
  };
}

const LINGER_MS = 3_000;

/**
 * Everything of ours is closed. A socket that a library opened while it was being closed would keep the process for ever,
 * and its supervisor waiting: it ends, once all is written.
 */
function endOf(code: ExitCode): void {
  process.exitCode = code;
  const end = (): void => {
    if (process.stdout.writableLength + process.stderr.writableLength > 0) linger();
    else process.exit(code);
  };
  const linger = (): void => void setTimeout(end, LINGER_MS).unref();
  linger();
}

if (require.main === module) void main(process.argv.slice(2), processIo()).then(endOf);
