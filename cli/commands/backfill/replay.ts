/** `rescore backfill replay`: the items of a plan through the core, each on its own and resumable. */
import type { Command } from 'commander';
import { conditionsOf, filesDigest } from '../../../backfill/pipeline/plan';
import type { Plan, PlanItem } from '../../../backfill/pipeline/plan';
import { itemDone, itemFiles } from '../../../backfill/pipeline/item';
import type { ItemDone } from '../../../backfill/pipeline/item';
import { replayItem } from '../../../backfill/pipeline/replay';
import type { RunFolder } from '../../../backfill/pipeline/run-folder';
import { writeStep } from '../../../backfill/pipeline/step-record';
import { rmSync } from 'node:fs';
import { withLock } from '../../backfill/lock';
import { foresee, inStep, stepCommand, withPlanned } from '../../backfill/step';
import type { PlannedArchive, StepOptions } from '../../backfill/step';
import { withExamples, type Context } from '../../context';
import { CliError, usageError } from '../../errors';
import type { Io } from '../../io';
import { inputRules } from '../../lanes';
import { count } from '../../output/format';

interface ReplayOptions extends StepOptions {
  item?: string;
}

/** All, one by its id, or one by its index: what an Indexed Job and a map of tasks count by. */
function chosen({ items }: Plan, given: string | undefined): PlanItem[] {
  if (given === undefined) return items;
  const found =
    items.find(({ id }) => id === given) ?? (/^\d+$/.test(given) ? items[Number(given)] : undefined);
  if (found === undefined)
    throw usageError(
      `--item ${given} is no item: ids are ${items[0]!.id} to ${items.at(-1)!.id}, indices 0 to ${items.length - 1}.`,
    );
  return [found];
}

/** Records that the items need not fold, as planned. */
const folded = (items: readonly PlanItem[]): number =>
  items.reduce((sum, { after }) => sum + (after?.records ?? 0), 0);

async function replay(context: Context, run: RunFolder, options: ReplayOptions): Promise<void> {
  const { reporter } = context;
  const plan = run.plan();
  const wanted = chosen(plan, options.item);
  const { range, conditions } = plan;
  const { kind } = plan.source;
  if (conditionsOf(inputRules(context.settings.values)) !== conditions)
    throw new CliError(
      'run-changed',
      `${options.run} was planned with another currency or input.standInIds.`,
    );
  const isOpen = (item: PlanItem): boolean =>
    options.again === true || itemDone({ run, item, kind, range, conditions }) === null;
  const open = wanted.filter(isOpen);
  const records = open.reduce((sum, item) => sum + item.records, 0);
  const counts = { items: open.length, done: wanted.length - open.length, records, takenUp: 0, refused: 0 };
  const before = `${count(records)} records; ${count(counts.done)} done before.`;
  if (options.dryRun === true) {
    counts.takenUp = options.again === true ? 0 : folded(open);
    const less =
      counts.takenUp === 0 ? '' : ` ${count(counts.takenUp)} of the records an earlier run has folded.`;
    await foresee(
      context,
      open.length > 0,
      `${count(open.length)} item(s) to replay, ${before}${less}`,
      counts,
    );
    return;
  }
  if (open.length > 0)
    await withPlanned(context, run, plan, async planned => {
      const progress = reporter.progress('replay', records, 'records');
      let passed = 0;
      for (const item of open) {
        const onRecords = (done: number): void => progress.update(passed + done);
        const { refused, takenUp } = await replayOne(context, run, plan, item, planned, options, onRecords);
        counts.refused += refused;
        counts.takenUp += takenUp;
        passed += item.records;
      }
      progress.finish();
    });
  await reporter.text(`${count(counts.items)} item(s) replayed, ${before}`);
  if (counts.takenUp > 0)
    await reporter.text(
      `${count(counts.takenUp)} of the records an earlier run had folded: they were taken up.`,
    );
  if (counts.refused > 0)
    reporter.note(
      `${count(counts.refused)} record(s) can't be used, as in the stream; if they are many, compare registry.url with the stream's.`,
    );
  await reporter.result(counts);
}

async function replayOne(
  context: Context,
  run: RunFolder,
  { range, source, conditions }: Plan,
  item: PlanItem,
  { archive, log, codec, foldedBy }: PlannedArchive,
  { again }: ReplayOptions,
  onRecords: (records: number) => void,
): Promise<{ refused: number; takenUp: number }> {
  if (filesDigest(item.partitions, archive.files, range.endAt) !== item.files)
    throw new CliError('run-changed', `The archive of item ${item.id} is not the one that was planned.`);
  const files = itemFiles(run, item);
  const rules = inputRules(context.settings.values);
  // Again is all of it again, also what an earlier run has folded.
  const { after: _after, ...anew } = item;
  const own = { run, item: again === true ? anew : item, kind: source.kind, range, conditions };
  let takenUp = 0;
  const onTakenUp = (records: number, why: string | null): void => {
    takenUp = records;
    if (why !== null) context.reporter.note(`${item.id} begins at its first record: ${why}`);
  };
  const { counts } = await withLock(context, files.lock, async signal => {
    // Somebody else may have done it while the lock was waited for.
    const before = again === true ? null : itemDone(own);
    if (before !== null) return before;
    rmSync(files.done, { force: true });
    if (again === true) rmSync(files.checkpoint, { force: true });
    const startedAt = context.io.clock.now();
    const done = await replayItem({ ...own, log, codec, rules, foldedBy, signal, onTakenUp, onRecords });
    keepRecord(run, done, takenUp, (context.io.clock.now() - startedAt) / 1_000);
    return done;
  });
  return { refused: counts.refused, takenUp };
}

/** One for each item: they are replayed anywhere, in any order. */
function keepRecord(
  run: RunFolder,
  { id, records, customers, rows, counts }: ItemDone,
  takenUp: number,
  seconds: number,
): void {
  const { refused } = counts;
  writeStep(run, 'replay', id, {
    seconds,
    counts: { records, takenUp, refused, customers, snapshots: rows },
    failed: null,
  });
}

export function addReplay(backfill: Command, io: Io): void {
  const command = stepCommand(backfill, 'replay', 'the items of the plan through the core')
    .option('--item <item>', 'one item by its id, or by its index from 0 (default: all)')
    .action((options: ReplayOptions, self: Command) =>
      inStep(io, self, options, (context, run) => replay(context, run, options)),
    );
  withExamples(command, [
    [
      'rescore backfill replay --run runs/tonight',
      'one item after the other; stopped, it goes on where it was',
    ],
    [
      'rescore backfill replay --run runs/tonight --again',
      'from the first record, whatever an earlier run has folded already',
    ],
    [
      'rescore backfill replay --run runs/tonight --item $JOB_COMPLETION_INDEX',
      'one of many processes that share the folder',
    ],
  ]);
}
