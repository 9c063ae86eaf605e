/** `rescore backfill consistency`: do the stream and the archive tell the same story? */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import {
  checkConsistency,
  differenceInWords,
  reportFamilies,
  type ConsistencyReport,
  type Selection,
} from '../../../backfill/consistency';
import { BackfillError } from '../../../backfill/pipeline/errors';
import { readJson } from '../../../backfill/pipeline/files';
import { DAY_MS, INPUT_TOPICS } from '../../../schemas';
import { metricsOptions, tellMetrics } from '../../backfill/night-metrics';
import type { MetricsOptions } from '../../backfill/night-metrics';
import { SOURCE, foresee, inCheck, stepOptions } from '../../backfill/step';
import { withRecorded, type RecordedOptions } from '../../consistency/open';
import type { Recorded } from '../../consistency/recorded';
import { contextOf, instantOption, withExamples, type Context } from '../../context';
import { CliError, usageError } from '../../errors';
import type { Io } from '../../io';
import { coreSettings } from '../../settings';
import { inputRules } from '../../lanes';
import { count, instant } from '../../output/format';
import { writeJsonAtomically } from '../../replay/atomic-file';

interface Options extends RecordedOptions, MetricsOptions {
  run?: string;
  from?: string;
  until?: string;
  sample: string;
  ifScored?: boolean;
  dryRun?: boolean;
  again?: boolean;
}

/** What the step needs of plan.json: the night that a run is about ends where its range does. */
interface Planned {
  range?: { endAt: number | string };
  source?: { archive: string };
}

/** @throws CliError usage */
export function shareOf(text: string): number {
  const share = Number(text);
  if (!(share > 0 && share <= 1)) throw usageError(`--sample ${text} is not a share above 0, at most 1.`);
  return share;
}

/** Files were brought into the run folder itself. */
const placeOf = ({ archive }: { archive: string }, { run }: Options): string =>
  archive === SOURCE ? join(run!, SOURCE) : archive;

/** --from and --until, else the last day of the run's range, else everything. */
function selectionOf({ from, until, sample }: Options, planned: Planned | null): Selection {
  const endAt = planned?.range === undefined ? Infinity : new Date(planned.range.endAt).getTime();
  const end = until === undefined ? endAt : instantOption('--until', until);
  const start = from === undefined ? end - DAY_MS : instantOption('--from', from);
  if (Number.isFinite(start) && start >= end)
    throw usageError('--from lies at or after --until: no score lies between.');
  return { from: Number.isFinite(start) ? start : -Infinity, until: end, share: shareOf(sample) };
}

const bound = (at: number): string | null => (Number.isFinite(at) ? instant(at) : null);

const inWords = ({ from, until, share }: Selection): string =>
  `Scores as of ${bound(from) ?? 'the first'} to ${bound(until) ?? 'the last'}, the share ${share} of them`;

async function check(context: Context, recorded: Recorded, selection: Selection): Promise<ConsistencyReport> {
  const { io, reporter, settings } = context;
  const { log } = recorded;
  let offsets = 0;
  for (let partition = 0; partition < log.partitions; partition++) {
    const [starts, ends] = [await log.starts(partition), await log.ends(partition)];
    for (const topic of INPUT_TOPICS) offsets += ends[topic] - starts[topic];
  }
  const progress = reporter.progress('consistency', offsets, 'offsets');
  let passed = 0;
  const report = await checkConsistency({
    ...recorded,
    selection,
    settings: coreSettings(settings.values),
    rules: inputRules(settings.values),
    signal: io.signal,
    onRecords: records => progress.update((passed += records)),
  });
  progress.finish();
  if (io.signal.aborted) throw new CliError('interrupted', 'The check was stopped on the way.');
  return report;
}

async function say({ reporter }: Context, report: ConsistencyReport): Promise<void> {
  const { scores, checked, differing, missing, missingBecause, wholeVectors } = report;
  await reporter.text(
    `${count(scores)} score(s) published, ${count(checked)} vector(s) computed again: ${count(differing)} differ.`,
  );
  if (missing > 0) {
    const why = Object.entries(missingBecause).map(([reason, scores]) => `${reason} ${count(scores)}`);
    await reporter.text(`${count(missing)} could not be compared: ${why.join(', ')}.`);
  }
  reporter.detail(`${count(wholeVectors)} of them carry their whole vector.`);
  for (const { id, partition, asOf, features } of report.examples) {
    await reporter.text(`  ${id}  partition ${partition}, as of ${asOf}`);
    for (const feature of features) await reporter.text(`      ${differenceInWords(feature)}`);
    if (features.length === 0) await reporter.text('      its reasons do not say which feature');
  }
}

function judge(report: ConsistencyReport): void {
  const { scores, checked, differing } = report;
  if (differing > 0)
    throw new CliError(
      'scores-differ',
      `${count(differing)} of ${count(checked)} vectors are not what was scored.`,
    );
  if (checked === 0 && report.missing > 0)
    throw new CliError('scores-unchecked', `None of ${count(scores)} score(s) could be compared.`);
}

/** Null: no run folder is named, or a new one for the scores of a replay. @throws CliError run-missing, run-damaged */
function plannedIn({ path }: Context, { run, scores }: Options): Planned | null {
  if (run === undefined) return null;
  try {
    const planned = readJson<Planned>(join(path(run), 'plan.json'));
    if (planned !== null || scores !== undefined) return planned;
  } catch (error) {
    throw error instanceof BackfillError ? new CliError(error.code, error.message) : error;
  }
  throw new CliError('run-missing', `${run} holds no plan.json.`);
}

/** The step of a run: consistency.json in the run folder, where there is one. @throws CliError scores-differ, scores-unchecked */
export async function consistency(context: Context, options: Options): Promise<void> {
  const { io, path, reporter } = context;
  const planned = plannedIn(context, options);
  const selection = selectionOf(options, planned);
  const place = planned?.source === undefined ? {} : { archive: placeOf(planned.source, options) };
  if (options.dryRun === true) {
    await foresee(context, true, `${inWords(selection)}, are compared, also again.`);
    return;
  }
  const report = await withRecorded(context, { ...place, ...options }, recorded =>
    check(context, recorded, selection),
  ).catch((error: unknown) => {
    if (options.ifScored === true && error instanceof CliError && error.code === 'scores-missing')
      return null;
    throw error;
  });
  if (report === null) return reporter.text('No scores are archived: there is nothing to compare.');
  const { from, until, share } = selection;
  const written = { ...report, range: { from: bound(from), until: bound(until) }, sample: share };
  if (options.run !== undefined) {
    const run = path(options.run);
    if (!existsSync(run)) mkdirSync(run, { recursive: true });
    writeJsonAtomically(join(run, 'consistency.json'), written);
  }
  tellMetrics(context, options, ['rescore_consistency_'], reportFamilies(report, io.clock.now()));
  await say(context, report);
  await reporter.result(written);
  judge(report);
}

export function addConsistency(backfill: Command, io: Io): void {
  const command = metricsOptions(stepOptions(backfill.command('consistency')))
    .description(
      'compute the vectors of published scores again from the archive, and compare them byte by byte',
    )
    .option('--run <dir>', 'run folder: takes the last day of its range, and writes consistency.json there')
    .option('--from <iso>', 'scores as of this instant or later')
    .option('--until <iso>', 'scores as of before this instant')
    .option('--sample <share>', 'share of the scores, chosen by their ids', '1')
    .option('--scores <file>', 'scores.jsonl of a replay instead of the archive; with --inputs')
    .option('--inputs <file...>', 'the files that the replay read')
    .option('--map <map>', 'mapping of the columns of --inputs')
    .addOption(new Option('--format <format>', 'format of --inputs').choices(['segment']))
    .option('--if-scored', 'no error where the archive holds no scores at all: a history from files')
    .action((options: Options, self: Command) => {
      const { run } = options;
      if (run === undefined) return consistency(contextOf(io, self), options);
      return inCheck(io, self, { ...options, run }, context => consistency(context, options));
    });
  withExamples(command, [
    [
      'rescore backfill consistency --run out/run',
      "the last day of the run's range; exit code 1 on a difference",
    ],
    [
      'rescore backfill consistency --scores out/scores.jsonl --inputs world.jsonl --format segment',
      'a replay, with the settings that it had',
    ],
  ]);
}
