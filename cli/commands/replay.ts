import { existsSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { loadMapping } from '../../streams/mapping';
import { contextOf, instantOption, withExamples, type Context } from '../context';
import { openForWork, STATE_FILE, type OpenState } from '../embedded';
import { CliError, EXIT, usageError } from '../errors';
import type { Io } from '../io';
import { instant } from '../output/format';
import { writeJsonAtomically } from '../replay/atomic-file';
import { takeCensus, writeFeatures } from '../replay/census';
import { Exporter, OUTPUT_FILES } from '../replay/exporter';
import { findFiles, type InputFile } from '../replay/files';
import { emptyTally } from '../replay/intake-tally';
import { ReplayProgress, type CurrentFiles } from '../replay/progress-record';
import { emptyReport } from '../replay/quality';
import { Replay, type ReplayRun } from '../replay/replay';
import { countSilences } from '../replay/silences';
import { summarise, summaryRows } from '../replay/summary';

interface Options {
  map?: string;
  format?: 'segment';
  out: string;
  until?: string;
  features?: boolean;
  state?: string;
  shuffle?: string;
  strict?: boolean;
  limitMemory?: string;
}

const MEGABYTE = 1_048_576;

function memoryOf(text: string | undefined, context: Context): number {
  const megabytes = text === undefined ? context.settings.values['replay.memoryMegabytes'] : Number(text);
  if (!(megabytes > 0)) throw usageError(`--limit-memory ${text} is not a number of megabytes above 0.`);
  return megabytes * MEGABYTE;
}

/** A folder that holds anything but the state itself is filled. */
function refuseFilled(out: string, state: string): void {
  if (!existsSync(out)) return;
  const others = readdirSync(out).filter(name => join(out, name) !== state);
  if (others.length > 0)
    throw new CliError(
      'out-not-empty',
      `--out ${out} holds ${others[0]} and does not belong to the state ${state}.`,
      EXIT.usage,
    );
}

interface Places {
  out: string;
  state: string;
}

/** Opens the state, or makes one; what it was started with must agree with what is asked now. */
function openProgress(
  context: Context,
  { out, state: directory }: Places,
): { state: OpenState; progress: ReplayProgress } {
  const isNew = !existsSync(join(directory, STATE_FILE));
  if (isNew) refuseFilled(out, directory);
  mkdirSync(out, { recursive: true });
  const state = openForWork(
    context,
    directory,
    isNew ? context.settings.values['state.partitions'] : undefined,
  );
  const stored = ReplayProgress.stored(state.embedded);
  const real = realpathSync(out);
  if (stored !== null && stored.out !== real) {
    throw closing(
      state,
      new CliError(
        'out-missing',
        `The state ${directory} writes to ${stored.out}, not to ${real}.`,
        EXIT.usage,
      ),
    );
  }
  if (stored !== null) return { state, progress: new ReplayProgress(state.embedded, stored) };
  const progress = new ReplayProgress(state.embedded, {
    version: 1,
    out: real,
    finished: [],
    current: null,
    reachedAt: null,
    tally: emptyTally(),
    quality: emptyReport(),
  });
  progress.save({});
  return { state, progress };
}

/** The lock must not outlive an error that is thrown before anybody else could close. */
function closing(state: OpenState, error: CliError): CliError {
  void state.close();
  return error;
}

/** Files that are neither in nor under way start a new set; an interrupted set must be finished first. */
function takeUp(
  progress: ReplayProgress,
  files: readonly InputFile[],
  how: Pick<CurrentFiles, 'format' | 'shuffle'>,
): InputFile[] {
  const { finished, current } = progress.record;
  const fresh = files.filter(file => !finished.some(known => known.digest === file.digest));
  if (current !== null) {
    const [asked, held] = [fresh, current.files].map(set => set.map(file => file.digest).join(' '));
    if (asked !== held)
      throw new CliError(
        'input-changed',
        `An interrupted run of this state was reading ${current.files.map(file => file.name).join(', ')}.`,
      );
    if (current.format !== how.format || current.shuffle !== how.shuffle)
      throw new CliError(
        'state-settings',
        `The interrupted run was started with ${current.format} and ${current.shuffle === null ? 'without --shuffle' : `--shuffle ${current.shuffle}`}.`,
      );
    return fresh;
  }
  if (fresh.length > 0)
    progress.save({
      current: {
        files: fresh.map(({ digest, name }) => ({ digest, name })),
        ...how,
        appended: 0,
        deadLetters: 0,
      },
    });
  return fresh;
}

async function replay(context: Context, names: string[], options: Options): Promise<void> {
  const { reporter, path } = context;
  if ((options.map === undefined) === (options.format === undefined))
    throw new CliError('input-format', 'The format of the files is not clear.', EXIT.usage);
  const mapping = options.map === undefined ? null : loadMapping(options.map);
  const until = options.until === undefined ? null : instantOption('--until', options.until);
  const memoryBytes = memoryOf(options.limitMemory, context);
  const { files, repeated } = await findFiles(names, path);
  for (const name of repeated) reporter.note(`${name} has the same bytes as another file: it is read once.`);
  const out = path(options.out);
  const directory = options.state === undefined ? join(out, 'state') : path(options.state);
  const { state, progress } = openProgress(context, { out, state: directory });
  try {
    const { reachedAt } = progress.record;
    if (until !== null && reachedAt !== null && until < reachedAt)
      throw new CliError(
        'until-before-state',
        `The state has reached ${instant(reachedAt)}, later than --until ${instant(until)}.`,
        EXIT.usage,
      );
    const shuffle = options.shuffle ?? null;
    const fresh = takeUp(progress, files, { format: mapping?.name ?? 'segment', shuffle });
    if (fresh.length < files.length)
      reporter.note(`${files.length - fresh.length} file(s) are in the state already.`);
    const exporter = new Exporter(state, out);
    try {
      const run = await new Replay(context, state, progress, exporter, fresh, {
        mapping,
        until,
        shuffle,
        strict: options.strict ?? false,
        memoryBytes,
        scratch: directory,
      }).run();
      await conclude(context, state, {
        out,
        directory,
        progress,
        exporter,
        run,
        features: options.features ?? false,
      });
    } finally {
      exporter.close();
    }
  } finally {
    await state.close();
  }
}

interface Conclusion {
  out: string;
  directory: string;
  progress: ReplayProgress;
  exporter: Exporter;
  run: ReplayRun;
  features: boolean;
}

/** features.jsonl, summary.json, quality.json and what is said at the end. */
async function conclude(
  context: Context,
  state: OpenState,
  { out, directory, progress, exporter, run, features }: Conclusion,
): Promise<void> {
  const { reporter, settings } = context;
  const { record } = progress;
  const census =
    features && record.reachedAt !== null
      ? await writeFeatures(state, join(out, 'features.jsonl'), record.reachedAt)
      : await takeCensus(state);
  const summary = summarise({
    run,
    census,
    exported: exporter.tally,
    tally: record.tally,
    files: record.finished.length,
    silences: await countSilences(join(out, OUTPUT_FILES['engagement-alerts'])),
    currency: settings.values.currency,
    reachedAt: record.reachedAt,
  });
  writeJsonAtomically(join(out, 'summary.json'), summary);
  writeJsonAtomically(join(out, 'quality.json'), record.quality);
  await reporter.table([{ title: 'summary' }, { title: '' }], summaryRows(summary, record.quality));
  await reporter.text(
    `\nOutputs are in ${out}. Look at one customer: rescore explain CUSTOMER --state ${directory}`,
  );
  await reporter.result(summary);
}

export function replayCommand(program: Command, io: Io): void {
  const command = program
    .command('replay <file...>')
    .description(
      'turn files of events and orders into sessions, scores and alerts, as they would have come live',
    )
    .option('--map <map>', 'mapping of columns: a name from `rescore mappings`, or a file')
    .addOption(
      new Option('--format <format>', 'format of the files: JSON lines in the Segment shape').choices([
        'segment',
      ]),
    )
    .requiredOption('--out <dir>', 'folder for the outputs')
    .option('--until <iso>', 'move time on to this instant after the last input, inclusive')
    .option('--features', 'write features.jsonl: the final vector of every customer')
    .option('--state <dir>', 'state to make or to continue (default: the folder state in --out)')
    .option('--shuffle <seed>', 'process the rows in a random order, their times kept')
    .option('--strict', 'stop at the first row that cannot be used (exit code 3)')
    .option(
      '--limit-memory <mb>',
      'sort on disk what needs more (default: the setting replay.memoryMegabytes)',
    )
    .action((files: string[], options: Options, self: Command) =>
      replay(contextOf(io, self), files, options),
    );
  withExamples(command, [
    ['rescore replay events.jsonl --format segment --out out', 'events of a Segment-compatible tracker'],
    [
      'rescore replay CDNOW_master.txt --map cdnow --until 1998-07-31T00:00:00Z --features --out out',
      'a month beyond the last order: who fell silent?',
    ],
    [
      'rescore replay tuesday.jsonl --format segment --out out --state out/state',
      'the next day, into the same state',
    ],
  ]);
}
