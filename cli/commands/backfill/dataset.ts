/** `rescore backfill dataset`: all items as one Parquet file. */
import type { Command } from 'commander';
import { datasetDone, joinItems, makeDataset } from '../../../backfill/pipeline/join';
import type { DatasetNote } from '../../../backfill/pipeline/join';
import type { RunFolder } from '../../../backfill/pipeline/run-folder';
import { foresee, inStepAlone, stepCommand } from '../../backfill/step';
import type { Ending } from '../../backfill/recorded';
import type { StepOptions } from '../../backfill/step';
import { withExamples, type Context } from '../../context';
import type { Io } from '../../io';
import { bytes, count } from '../../output/format';

async function dataset(context: Context, run: RunFolder, options: StepOptions): Promise<Ending> {
  const plan = run.plan();
  const before = options.again === true ? null : datasetDone(run, plan);
  if (options.dryRun === true) {
    const { snapshots } = joinItems(run, plan);
    const found = snapshots.rows.length;
    const said = `${count(found)} snapshots of ${count(plan.items.length)} item(s)`;
    return foresee(context, before === null, `${said}${before === null ? '' : '; done before'}.`, {
      snapshots: found,
    });
  }
  await say(context, before ?? (await makeDataset(run, plan)), before !== null);
  return before === null ? 'done' : 'unchanged';
}

async function say({ reporter }: Context, note: DatasetNote, before: boolean): Promise<void> {
  await reporter.text(
    `dataset.parquet: ${count(note.rows)} rows of ${count(note.customers)} customers, ${bytes(note.bytes)}${before ? '; done before' : ''}.`,
  );
  await reporter.table(
    [{ title: 'model' }, { title: 'training', right: true }, { title: 'validation', right: true }],
    Object.entries(note.sides).map(([name, { training, validation }]) => [
      name,
      count(training.rows),
      count(validation.rows),
    ]),
  );
  await reporter.result(note);
}

export function addDataset(backfill: Command, io: Io): void {
  const command = stepCommand(
    backfill,
    'dataset',
    'the items as one dataset.parquet; a feature that gives a label away stops it',
  ).action((options: StepOptions, self: Command) =>
    inStepAlone(io, self, options, (context, run) => dataset(context, run, options)),
  );
  withExamples(command, [
    ['rescore backfill dataset --run runs/tonight', 'after the last item was replayed'],
  ]);
}
