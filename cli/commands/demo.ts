import { createWriteStream, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { DEFAULT_WORLD, toSegmentLine, worldRecords } from '../../processors/sim/world';
import type { WorldSettings } from '../../processors/sim/world';
import { DAY_MS } from '../../schemas';
import { contextOf, withExamples, type Context } from '../context';
import { playLiveMinutes } from '../demo/live-minutes';
import { openForWork } from '../embedded';
import { CliError, usageError } from '../errors';
import { write, type Io } from '../io';
import { laneScorer } from '../lanes';
import { count, instant } from '../output/format';

interface DemoOptions {
  customers: string;
  seconds: string;
  out: string;
}

const REPLAYED_DAYS = 120;
const LIVE_DAYS = 7;
/** Marks a folder that a demonstration made and may remove. */
const MARKER = 'demo.json';

const worldOf = (customers: number): WorldSettings => ({
  ...DEFAULT_WORLD,
  customers,
  days: REPLAYED_DAYS + LIVE_DAYS,
  activityScale: 0.3,
});

/** The folder of the last demonstration makes room for this one; any other is left alone. */
function freshFolder(out: string): void {
  if (existsSync(out) && !existsSync(join(out, MARKER)))
    throw new CliError('out-not-empty', `${out} was not made by a demonstration.`);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, MARKER), '{"made by": "rescore demo"}\n');
}

async function writeWorld(world: WorldSettings, file: string, until: number): Promise<number> {
  const stream = createWriteStream(file);
  let records = 0;
  for (const record of worldRecords(world)) {
    if (record.recordAt >= until) break;
    records++;
    await write(stream, `${toSegmentLine(record)}\n`);
  }
  await new Promise<void>(resolve => stream.end(() => resolve()));
  return records;
}

/** Runs another command of the same program. */
type Run = (argv: readonly string[]) => Promise<number>;

async function demo(context: Context, options: DemoOptions, run: Run): Promise<void> {
  const { io, reporter, settings } = context;
  const { colours } = reporter;
  const [customers, seconds] = [Number(options.customers), Number(options.seconds)];
  if (!(customers >= 100 && customers <= 100_000)) throw usageError('--customers takes 100 to 100000.');
  if (!(seconds >= 1 && seconds <= 3_600)) throw usageError('--seconds takes 1 to 3600.');
  const out = context.path(options.out);
  freshFolder(out);
  const world = worldOf(customers);
  const from = world.startAt + REPLAYED_DAYS * DAY_MS;
  const [file, state] = [join(out, 'world.jsonl'), join(out, 'state')];
  await reporter.text(colours.bold(`1. A world of ${count(customers)} customers, ${REPLAYED_DAYS} days`));
  const records = await writeWorld(world, file, from);
  await reporter.text(
    `   ${count(records)} events and orders, some late, some twice, some with a wrong clock.\n`,
  );
  await reporter.text(colours.bold('2. Replayed in the data’s own time, with every tick at its due instant'));
  const code = await run([
    'replay',
    file,
    '--format',
    'segment',
    '--out',
    join(out, 'scores'),
    '--state',
    state,
    '--until',
    instant(from - 1),
  ]);
  if (code !== 0) throw new CliError('interrupted', 'The replay did not finish.');
  await reporter.text(
    colours.bold(
      `\n3. Live: ${LIVE_DAYS} days in ${seconds} seconds; watch what happens with no event at all`,
    ),
  );
  const scorer = await laneScorer(io, settings.values);
  const held = openForWork(context, state);
  let example: string | null = null;
  try {
    const tally = await playLiveMinutes({
      settings: settings.values,
      state: held,
      scorer,
      clock: io.clock,
      signal: io.signal,
      reporter,
      world,
      from,
      worldMs: LIVE_DAYS * DAY_MS,
      realMs: seconds * 1_000,
    });
    example = tally.example;
    await reporter.result({ records, ...tally, state });
  } finally {
    await held.close();
    await scorer.release();
  }
  await reporter.text(colours.bold('\n4. Who is about to leave'));
  await run(['top', '--by', 'churn', '--limit', '5', '--state', state]);
  await next(context, relative(io.cwd, state) || state, example ?? 'customer-0042');
}

async function next({ reporter }: Context, state: string, customer: string): Promise<void> {
  const rescore = 'node dist/cli/main.js';
  await reporter.text(
    `\nLook at next:\n` +
      `  ${rescore} explain ${customer} --state ${state}\n      one of those who fell silent, in words\n` +
      `  ${rescore} top --by ltv --state ${state}\n      the most valuable\n` +
      `  ${rescore} run --embedded\n      score your own events over HTTP\n` +
      `  docs/tour/\n      how it works, in half an hour`,
  );
}

export function demoCommand(run: (argv: readonly string[], io: Io) => Promise<number>) {
  return (program: Command, io: Io): void => {
    const command = program
      .command('demo')
      .description('make a world, replay 120 days of it, then watch scores move while customers fall silent')
      .option('--customers <n>', 'how many', '2000')
      .option('--seconds <n>', 'how long the live part takes', '8')
      .option('--out <dir>', 'where it is kept', 'out/demo')
      .action(async (options: DemoOptions, self: Command) => {
        await demo(contextOf(io, self), options, argv => run(argv, io));
      });
    withExamples(command, [['rescore demo', 'takes less than a minute']]);
  };
}
