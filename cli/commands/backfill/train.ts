/** `rescore backfill train`: the Python trainer on the dataset, with the models that score now beside it. */
import type { Command } from 'commander';
import { LABEL_PLANS } from '../../../backfill/dataset';
import { writeChampions } from '../../../backfill/pipeline/champions';
import type { RunFolder } from '../../../backfill/pipeline/run-folder';
import { train, trainDone } from '../../../backfill/pipeline/train';
import type { TrainNote } from '../../../backfill/pipeline/train';
import type { Ending } from '../../backfill/recorded';
import { foresee, inStepAlone, stepCommand } from '../../backfill/step';
import type { StepOptions } from '../../backfill/step';
import { withExamples, type Context } from '../../context';
import { usageError } from '../../errors';
import type { Io } from '../../io';
import { withRegistry } from '../../models/registry';
import { count } from '../../output/format';

interface TrainOptions extends StepOptions {
  seed: string;
  models?: string;
  python?: string;
}

/** Options of `train`, and of `run`. */
export const trainOptions = (command: Command): Command =>
  command
    .option('--seed <n>', 'the same rows and seed give the same models', '1')
    .option('--models <names>', 'some models only: engagement,churn,ltv')
    .option(
      '--python <file>',
      "Python of the trainer's environment (default: the one that `make trainer` makes)",
    );

function modelsOf(given: string | undefined): string[] | null {
  if (given === undefined) return null;
  const known = LABEL_PLANS.map(({ name }): string => name);
  const names = given.split(',').map(name => name.trim());
  const unknown = names.find(name => !known.includes(name));
  if (unknown !== undefined) throw usageError(`--models: ${unknown} is none of ${known.join(', ')}.`);
  return names;
}

async function trainStep(context: Context, run: RunFolder, options: TrainOptions): Promise<Ending> {
  const { reporter, io, path } = context;
  const seed = Number(options.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw usageError(`--seed ${options.seed} is no whole number.`);
  const models = modelsOf(options.models);
  const before = options.again === true ? null : trainDone({ run, seed, models });
  if (options.dryRun === true)
    return foresee(
      context,
      before === null,
      before === null ? 'There is something to train.' : 'All is trained.',
    );
  const python = options.python === undefined ? null : path(options.python);
  const say = (line: string): void => reporter.note(line);
  const note =
    before ??
    (await withRegistry(context, async place => {
      const names = models ?? LABEL_PLANS.map(({ name }) => name);
      const champions = await writeChampions(place, names, run.at('champions'), say);
      return train({ run, python, seed, models, champions, signal: io.signal, say });
    }));
  await sayTrained(context, note, before !== null);
  return before === null ? 'done' : 'unchanged';
}

async function sayTrained({ reporter }: Context, note: TrainNote, before: boolean): Promise<void> {
  for (const { name, rows } of note.models)
    await reporter.text(
      `${name}: ${count(rows.train.rows)} rows, ${count(rows.validation.rows)} kept back${before ? '; done before' : ''}.`,
    );
  for (const { name, reason } of note.left) await reporter.text(`${name} is left out: ${reason}.`);
  await reporter.result({ ...note, trained: note.models.length });
}

export function addTrain(backfill: Command, io: Io): void {
  const command = trainOptions(
    stepCommand(
      backfill,
      'train',
      'train the models of the dataset; those that score now are measured beside them',
    ),
  ).action((options: TrainOptions, self: Command) =>
    inStepAlone(io, self, options, (context, run) => trainStep(context, run, options)),
  );
  withExamples(command, [
    ['rescore backfill train --run runs/tonight --seed 7', 'needs `make trainer` once'],
  ]);
}
