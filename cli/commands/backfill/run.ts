/** `rescore backfill run`: all steps in their order. Each is the command of that name, with --json. */
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { writeJson } from '../../../backfill/pipeline/files';
import { RunFolder } from '../../../backfill/pipeline/run-folder';
import { contextOf, withExamples, type Context, type GlobalOptions } from '../../context';
import { CliError } from '../../errors';
import type { Io } from '../../io';
import { count, duration } from '../../output/format';
import { planOptions } from './plan';
import { trainOptions } from './train';

/** Runs another command line of the program. */
export type RunProgram = (argv: readonly string[], io: Io) => Promise<number>;

export interface Step {
  name: string;
  /** Options of `run` that the step takes too. */
  options: readonly string[];
  /** The files are named to it. */
  files?: true;
  /** What a whole run always gives to it. */
  always?: readonly string[];
}

interface StepRun {
  name: string;
  seconds: number;
  counts: Record<string, number>;
}

type RunOptions = Record<string, string | boolean | undefined> & { run: string };

/** What a command writes to stdout, kept. */
class Captured extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** The same process otherwise; nothing else of it is touched. */
const withStdout = (io: Io, stdout: Writable): Io => Object.create(io, { stdout: { value: stdout } }) as Io;

/** The numbers of a result: what was done, in figures. Instants are none. */
function countsOf(text: string): Record<string, number> {
  if (text.trim() === '') return {};
  const result = JSON.parse(text) as Record<string, unknown>;
  const numbers = Object.entries(result).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && !entry[0].endsWith('At'),
  );
  return Object.fromEntries(numbers);
}

const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;

function argvOf(step: Step, files: readonly string[], options: RunOptions, globals: GlobalOptions): string[] {
  const taken = step.options.flatMap(name => {
    const value = options[name];
    if (value === undefined || value === false) return [];
    return value === true ? [flagOf(name)] : [flagOf(name), value];
  });
  return [
    '--json',
    ...(globals.settings === undefined ? [] : ['--settings', globals.settings]),
    ...(globals.verbose === true ? ['--verbose'] : []),
    ...[
      'backfill',
      step.name,
      ...(step.files === true ? files : []),
      '--run',
      options.run,
      ...(step.always ?? []),
      ...taken,
    ],
  ];
}

async function runSteps(
  context: Context,
  steps: readonly Step[],
  program: RunProgram,
  argv: (step: Step) => string[],
  run: RunFolder,
): Promise<StepRun[]> {
  const { io, reporter } = context;
  const done: StepRun[] = [];
  for (const step of steps) {
    reporter.note(`${step.name} …`);
    const stdout = new Captured();
    const startedAt = io.clock.now();
    const code = await program(argv(step), withStdout(io, stdout));
    const seconds = (io.clock.now() - startedAt) / 1_000;
    done.push({ name: step.name, seconds, counts: countsOf(stdout.text) });
    // The report, the last of them, shows the times of the others.
    writeJson(run.at('run.json'), { steps: done });
    if (code !== 0) {
      await sayRun(context, done);
      throw new CliError(
        'step-failed',
        `The step ${step.name} ended with ${code}; what it said stands above.`,
      );
    }
  }
  return done;
}

async function sayRun({ reporter }: Context, steps: readonly StepRun[]): Promise<void> {
  await reporter.table(
    [{ title: 'step' }, { title: 'time', right: true }, { title: 'counts' }],
    steps.map(({ name, seconds, counts }) => [
      name,
      duration(seconds * 1_000),
      Object.entries(counts)
        .map(([what, value]) => `${what} ${count(value)}`)
        .join(', '),
    ]),
  );
}

async function runAll(
  context: Context,
  steps: readonly Step[],
  program: RunProgram,
  files: readonly string[],
  options: RunOptions,
  globals: GlobalOptions,
): Promise<void> {
  const run = new RunFolder(context.path(options.run));
  const done = await runSteps(context, steps, program, step => argvOf(step, files, options, globals), run);
  await sayRun(context, done);
  await context.reporter.result({ steps: done });
}

export function addRun(backfill: Command, io: Io, steps: readonly Step[], program: RunProgram): void {
  const command = backfill
    .command('run [file...]')
    .description(`all steps: ${steps.map(({ name }) => name).join(', ')}`)
    .requiredOption('--run <dir>', 'run folder that all steps share; one that was stopped goes on');
  trainOptions(planOptions(command)).action((files: string[], options: RunOptions, self: Command) =>
    runAll(contextOf(io, self), steps, program, files, options, self.optsWithGlobals<GlobalOptions>()),
  );
  withExamples(command, [
    ['rescore backfill run --run runs/$(date +%F)', 'every night, from archive.location to models.directory'],
    [
      'rescore backfill run events.jsonl --format segment --run runs/first',
      'history from files, before there is an archive',
    ],
  ]);
}
