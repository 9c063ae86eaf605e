/**
 * `rescore backfill run`: all steps in their order. Each is the command of that name, with --json. A step that fails stops
 * the run, as the next ones need what it makes; a check that finds something does not, so that the report has it.
 */
import type { Command } from 'commander';
import { countsOf } from '../../../backfill/pipeline/step-record';
import { metricsOptions } from '../../backfill/night-metrics';
import { stepOptions } from '../../backfill/step';
import { contextOf, withExamples, type Context, type GlobalOptions } from '../../context';
import { CliError } from '../../errors';
import type { Io } from '../../io';
import { count, duration } from '../../output/format';
import { shareOf } from './consistency';
import { drySteps } from './dry-run';
import { planOptions } from './plan';
import { Captured, withStdout } from './captured';
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
  /** It changes nothing, and nothing but the report needs it: the run goes on where it fails, and ends as failed. */
  check?: true;
  /** The step that makes what it takes. */
  takes?: string;
}

interface StepRun {
  name: string;
  seconds: number;
  counts: Record<string, number>;
  /** Its exit code. */
  code: number;
}

type RunOptions = Record<string, string | boolean | undefined> & { run: string };

const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;

/** Options that every step takes. */
const EVERY_STEP = ['again', 'dryRun'];

function argvOf(step: Step, files: readonly string[], options: RunOptions, globals: GlobalOptions): string[] {
  const taken = [...step.options, ...EVERY_STEP].flatMap(name => {
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
): Promise<StepRun[]> {
  const { io, reporter } = context;
  const done: StepRun[] = [];
  for (const step of steps) {
    reporter.note(`${step.name} …`);
    const stdout = new Captured();
    const startedAt = io.clock.now();
    const code = await program(argv(step), withStdout(io, stdout));
    const seconds = (io.clock.now() - startedAt) / 1_000;
    const counts = stdout.text.trim() === '' ? {} : countsOf(JSON.parse(stdout.text));
    done.push({ name: step.name, seconds, counts, code });
    if (code === 0) continue;
    if (step.check === true && !io.signal.aborted) {
      reporter.note(`The check ${step.name} ended with ${code}; the run goes on, for the report.`);
      continue;
    }
    await sayRun(context, done);
    throw new CliError('step-failed', `The step ${step.name} ended with ${code}; what it said stands above.`);
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
  // Not after hours.
  if (typeof options['sample'] === 'string') shareOf(options['sample']);
  const argv = (step: Step): string[] => argvOf(step, files, options, globals);
  if (options['dryRun'] === true) return drySteps(context, steps, program, argv);
  const done = await runSteps(context, steps, program, argv);
  await sayRun(context, done);
  await context.reporter.result({ steps: done });
  judge(done);
}

/** @throws CliError check-failed */
function judge(done: readonly StepRun[]): void {
  const failed = done.filter(({ code }) => code !== 0).map(({ name, code }) => `${name} (${code})`);
  if (failed.length > 0)
    throw new CliError('check-failed', `All steps were done, and these checks failed: ${failed.join(', ')}.`);
}

export function addRun(backfill: Command, io: Io, steps: readonly Step[], program: RunProgram): void {
  const command = backfill
    .command('run [file...]')
    .description(`all steps: ${steps.map(({ name }) => name).join(', ')}`)
    .requiredOption('--run <dir>', 'run folder that all steps share; one that was stopped goes on');
  metricsOptions(stepOptions(trainOptions(planOptions(command))))
    .option('--sample <share>', 'of consistency: share of the scores, chosen by their ids (default: all)')
    .action((files: string[], options: RunOptions, self: Command) =>
      runAll(contextOf(io, self), steps, program, files, options, self.optsWithGlobals<GlobalOptions>()),
    );
  withExamples(command, [
    [
      'rescore backfill run --run runs/$(date +%F) --after latest',
      'every night, from archive.location to models.directory; only what is new is folded',
    ],
    [
      'rescore backfill run events.jsonl --format segment --run runs/first',
      'history from files, before there is an archive',
    ],
  ]);
}
