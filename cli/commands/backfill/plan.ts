/** `rescore backfill plan`: which history, and the items that it is replayed in. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { beginningsOf } from '../../../backfill/pipeline/continuation';
import type { Beginning } from '../../../backfill/pipeline/continuation';
import { readJson, sha256, writeJson } from '../../../backfill/pipeline/files';
import { doubtsOf, makePlan } from '../../../backfill/pipeline/plan';
import type { Plan } from '../../../backfill/pipeline/plan';
import type { RunFolder } from '../../../backfill/pipeline/run-folder';
import { STEPS } from '../../../backfill/pipeline/step-record';
import type { HistoryKind } from '../../../backfill/dataset';
import { openArchive } from '../../../streams/archive';
import { loadMapping } from '../../../streams/mapping';
import { afterOption, beginningsInWords } from '../../backfill/after';
import type { Earlier } from '../../backfill/after';
import { importFiles } from '../../backfill/import-files';
import type { Ending } from '../../backfill/recorded';
import { SOURCE, foldedByUs, foresee, inStepAlone, stepCommand } from '../../backfill/step';
import type { StepOptions } from '../../backfill/step';
import { withArchive } from '../../cluster/archive';
import { instantOption, withExamples, type Context } from '../../context';
import { CliError, EXIT } from '../../errors';
import type { Io } from '../../io';
import { inputRules } from '../../lanes';
import { bytes, count, instant } from '../../output/format';
import { findFiles } from '../../replay/files';

interface PlanOptions extends StepOptions {
  map?: string;
  format?: string;
  archive?: string;
  from?: string;
  until?: string;
  history?: string;
  after?: string;
}

const KINDS: readonly HistoryKind[] = ['raw', 'stream'];

/** Files, their mapping and the range: options of `plan`, and of `run`. */
export const planOptions = (command: Command): Command =>
  command
    .option('--map <map>', 'of files: mapping of columns, a name from `rescore mappings` or a file')
    .option('--format <format>', 'of files: segment for JSON lines in the Segment shape')
    .option('--archive <location>', 'folder or s3://bucket/prefix (default: the setting archive.location)')
    .option('--from <iso>', 'begin of the range (default: the midnight before the first record)')
    .option('--until <iso>', 'end of the range (default: the last midnight that the archive reaches)')
    .option('--history <kind>', 'stream: ticks and mail are in it; raw: they are not (default: as it looks)')
    .option(
      '--after <dir>',
      'earlier run folder to go on from, or latest: of those beside --run (default: from the first record)',
    );

function checked(files: readonly string[], options: PlanOptions) {
  const { map, format, archive, history, from, until } = options;
  if (files.length > 0 && archive !== undefined)
    throw new CliError('usage', 'Name files or an archive, not both.', EXIT.usage);
  if (files.length > 0 && (map === undefined) === (format === undefined))
    throw new CliError('input-format', 'The format of the files is not clear.', EXIT.usage);
  if (format !== undefined && format !== 'segment')
    throw new CliError('input-format', `--format ${format} is not known.`, EXIT.usage);
  if (history !== undefined && !KINDS.includes(history as HistoryKind))
    throw new CliError('usage', `--history ${history} is neither raw nor stream.`, EXIT.usage);
  return {
    kind: (history as HistoryKind | undefined) ?? null,
    startAt: from === undefined ? null : instantOption('--from', from),
    endAt: until === undefined ? null : instantOption('--until', until),
  };
}

/** Where the history is, and in words; files are brought into the run folder, or into `scratch` to look at them only. */
async function sourceOf(
  context: Context,
  run: RunFolder,
  files: readonly string[],
  options: PlanOptions,
  before: Plan | null,
  scratch: string | null,
): Promise<{ location: string; written: string; words: string }> {
  if (files.length === 0) {
    const given = options.archive ?? context.settings.values['archive.location'];
    const location = given.startsWith('s3://') ? given : context.path(given);
    return { location, written: location, words: 'archive' };
  }
  const mapping = options.map === undefined ? null : loadMapping(options.map);
  const found = await findFiles(files, context.path);
  const digests = found.files.map(({ digest }) => digest.slice(0, 12)).join(' ');
  const read =
    mapping === null ? 'segment' : `${mapping.name} ${sha256(JSON.stringify(mapping)).slice(0, 8)}`;
  const words = `${found.files.length} file(s), ${read}, SHA-256 ${digests}`;
  const source = { location: run.at(SOURCE), written: SOURCE, words };
  if (before !== null && options.again !== true) {
    if (before.source.words === words) return source;
    throw new CliError('run-changed', `${options.run} was planned with other files, or another mapping.`);
  }
  if (scratch !== null) source.location = scratch;
  const { deadLetters } = await importFiles(context, found.files, mapping, source.location);
  if (deadLetters > 0)
    context.reporter.note(`${count(deadLetters)} row(s) can't be used; \`rescore replay\` says why.`);
  return source;
}

async function plan(
  context: Context,
  run: RunFolder,
  files: readonly string[],
  options: PlanOptions,
): Promise<Ending> {
  const scratch = options.dryRun === true ? mkdtempSync(join(tmpdir(), 'rescore-plan-')) : null;
  try {
    return await planFrom(context, run, files, options, scratch);
  } finally {
    if (scratch !== null) rmSync(scratch, { recursive: true, force: true });
  }
}

async function planFrom(
  context: Context,
  run: RunFolder,
  files: readonly string[],
  options: PlanOptions,
  scratch: string | null,
): Promise<Ending> {
  const asked = checked(files, options);
  const earlier = afterOption(context, run, options.after);
  const before = readJson<Plan>(run.at('plan.json'));
  const source = await sourceOf(context, run, files, options, before, scratch);
  const { made, beginnings } = await looked(context, run, source, asked, earlier);
  if (before !== null && before.id !== made.id && options.again !== true)
    throw new CliError(
      'run-changed',
      `${options.run} was planned with another history, range, currency or release.`,
    );
  const isNew = before?.id !== made.id;
  const { said, figures } = inWords(made, beginnings);
  if (options.dryRun === true) return foresee(context, isNew, said, figures);
  // Of another history: what its steps took is no figure of this one.
  if (isNew) rmSync(run.at(STEPS), { recursive: true, force: true });
  // Planned before in the same way: what it goes on from stays, unless it is asked about anew.
  const stays = isNew || options.again === true ? null : before;
  const items = beginnings?.map(({ item }) => item) ?? stays?.items ?? made.items;
  writeJson(run.at('plan.json'), { ...made, items });
  await context.reporter.text(said);
  await context.reporter.result(figures);
  return isNew || options.again === true ? 'done' : 'unchanged';
}

/** The plan of what is there; beginnings are null where nobody asked for an earlier run. */
const looked = (
  context: Context,
  run: RunFolder,
  { location, written, words }: Awaited<ReturnType<typeof sourceOf>>,
  asked: ReturnType<typeof checked>,
  earlier: Earlier,
): Promise<{ made: Plan; beginnings: Beginning[] | null }> =>
  withArchive(
    context,
    async storage => {
      const archive = await openArchive(storage);
      const rules = inputRules(context.settings.values);
      const made = makePlan({ ...asked, archive, rules, location: written, words });
      for (const doubt of doubtsOf(archive, made.range)) context.reporter.note(doubt);
      if (earlier === null) return { made, beginnings: null };
      const from = { earlier: earlier(written), foldedBy: foldedByUs(context, written) };
      return { made, beginnings: beginningsOf({ run, plan: made, files: archive.files, ...from }) };
    },
    location,
  );

function inWords(made: Plan, beginnings: readonly Beginning[] | null): { said: string; figures: object } {
  const { items, range, source, partitions } = made;
  const sum = (of: (item: Plan['items'][number]) => number): number =>
    items.reduce((total, item) => total + of(item), 0);
  const counts = { items: items.length, records: sum(item => item.records), bytes: sum(item => item.bytes) };
  const { days } = items[0]!;
  const said = [
    `Plan ${made.id}: ${instant(range.startAt)} to ${instant(range.endAt)}, ${count(days)} days, ${count(partitions)} partition(s), ${source.kind} history.`,
    `${count(counts.items)} item(s), ${count(counts.records)} records, ${bytes(counts.bytes)}.`,
  ];
  const figures = { id: made.id, kind: source.kind, range, ...counts, days };
  if (beginnings === null) return { said: said.join('\n'), figures };
  const { said: lines, saved } = beginningsInWords(beginnings);
  return { said: [...said, ...lines].join('\n'), figures: { ...figures, saved } };
}

export function addPlan(backfill: Command, io: Io): void {
  const command = planOptions(
    stepCommand(backfill, 'plan [file...]', 'which history, and the items that it is replayed in'),
  ).action((files: string[], options: PlanOptions, self: Command) =>
    inStepAlone(io, self, options, (context, run) => plan(context, run, files, options)),
  );
  withExamples(command, [
    ['rescore backfill plan --run runs/tonight --dry-run', 'what archive.location would give'],
    [
      'rescore backfill plan --run runs/tonight --after latest',
      'the same, without folding again what the night before has folded',
    ],
    [
      'rescore backfill plan orders.csv --map cdnow --run runs/tonight',
      'history from files, as `rescore replay` reads them',
    ],
  ]);
}
