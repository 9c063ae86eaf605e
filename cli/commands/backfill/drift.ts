/** `rescore backfill drift`: whether customers still look as in training, and whether old answers came true. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { scoreLines } from '../../../backfill/consistency';
import { DRIFT_PREFIXES, driftFamilies, measureDrift, openModels, readTail } from '../../../backfill/drift';
import type { DriftRequest, PublishedScore } from '../../../backfill/drift';
import { readLatest } from '../../../backfill/pipeline/latest';
import { readRunFiles } from '../../../backfill/report';
import type { Drift } from '../../../backfill/report';
import type { RunFolder } from '../../../backfill/pipeline/run-folder';
import { metricsOptions, tellMetrics } from '../../backfill/night-metrics';
import type { MetricsOptions } from '../../backfill/night-metrics';
import { foresee, inCheck, stepCommand } from '../../backfill/step';
import type { StepOptions } from '../../backfill/step';
import { withExamples, type Context } from '../../context';
import { CliError } from '../../errors';
import type { Io } from '../../io';
import { withRegistry } from '../../models/registry';
import { count } from '../../output/format';
import { writeJsonAtomically } from '../../replay/atomic-file';
import { inReportWords } from './report';

interface Options extends StepOptions, MetricsOptions {
  scores?: string;
}

/** As many days as the labels of churn and engagement take to mature. */
const DAYS = 30;
const SHOWN = 10;

/** Null: a folder with a dataset alone. */
function peopleNow(run: RunFolder): DriftRequest['now'] {
  const latest = run.has('plan.json') ? readLatest(run, run.plan()) : null;
  return latest === null ? null : { at: latest.at, people: latest.vectors.map(vector => ({ vector })) };
}

async function drift(context: Context, run: RunFolder, options: Options): Promise<void> {
  const { directory: folder } = run;
  const { path, reporter } = context;
  const { scores } = options;
  const { gate } = await inReportWords(() => readRunFiles(folder));
  const dataset = join(folder, 'dataset.parquet');
  if (!existsSync(dataset)) throw new CliError('input-missing', `There is no ${dataset}.`);
  if (scores !== undefined && !existsSync(path(scores)))
    throw new CliError('input-missing', `There is no ${path(scores)}.`);
  if (options.dryRun === true) {
    await foresee(
      context,
      true,
      `Customers at the end of the history are measured, and what ${dataset} says of old answers, also again.`,
    );
    return;
  }
  reporter.note(`Reading the last ${DAYS} days of ${dataset} …`);
  const tail = await readTail(dataset, DAYS);
  const now = peopleNow(run);
  const champions = Object.fromEntries((gate?.models ?? []).map(({ name, champion }) => [name, champion]));
  const found = await withRegistry(context, async place => {
    const { models, release } = await openModels(place, champions);
    reporter.note(`Measuring ${count(tail.rows.length)} rows against ${count(models.length)} model(s) …`);
    const published = scores === undefined ? null : scoreLines<PublishedScore>(path(scores));
    return measureDrift({ tail, now, days: DAYS, models, published }).finally(release);
  });
  writeJsonAtomically(join(folder, 'drift.json'), found);
  tellMetrics(context, options, DRIFT_PREFIXES, driftFamilies(found, context.io.clock.now()));
  await say(context, found);
}

async function say({ reporter }: Context, found: Drift): Promise<void> {
  const { customers, left, features, scores, matured } = found;
  await reporter.text(left === null ? `${count(customers)} customers.` : `Not measured: ${left}`);
  const rows = [
    ...scores.map(({ model, psi }) => [`scores of ${model}`, psi.toFixed(3)]),
    ...features.slice(0, SHOWN).map(({ name, psi }) => [name, psi.toFixed(3)]),
  ];
  if (rows.length > 0) await reporter.table([{ title: 'what' }, { title: 'PSI', right: true }], rows);
  for (const { model, rows: compared, metrics } of matured) {
    const figures = Object.entries(metrics).map(([name, value]) => `${name} ${value.toFixed(4)}`);
    await reporter.text(`${model}, ${count(compared)} answers that came true or not: ${figures.join(', ')}.`);
  }
  await reporter.result(found);
}

export function addDrift(backfill: Command, io: Io): void {
  const command = metricsOptions(
    stepCommand(
      backfill,
      'drift',
      'drift.json: customers at the end of the history against training, old answers against what happened',
    ),
  )
    .option(
      '--scores <file>',
      'scores.jsonl of a replay: what was published then, instead of answers made again',
    )
    .action((options: Options, self: Command) =>
      inCheck(io, self, options, (context, run) => drift(context, run, options)),
    );
  withExamples(command, [['rescore backfill drift --run runs/tonight', 'after the dataset was made']]);
}
