/** `rescore backfill publish`: what the gate lets through begins to score, or to shadow. */
import type { Command } from 'commander';
import { publishAll, publishDone } from '../../../backfill/pipeline/publish';
import type { PublishNote } from '../../../backfill/pipeline/publish';
import type { RunFolder } from '../../../backfill/pipeline/run-folder';
import type { Ending } from '../../backfill/recorded';
import { foresee, inStepAlone, stepCommand } from '../../backfill/step';
import type { StepOptions } from '../../backfill/step';
import { withExamples, type Context } from '../../context';
import { CliError } from '../../errors';
import type { Io } from '../../io';
import { openKeyFile } from '../../models/key-file';
import { replayed, withRegistry } from '../../models/registry';
import { count } from '../../output/format';
import { printable } from '../../output/table';

/** In the audit: a program, not a person. */
const BY = 'rescore backfill';

async function publish(context: Context, run: RunFolder, options: StepOptions): Promise<Ending> {
  const as = context.settings.values['models.publishAs'];
  const before = options.again === true ? null : publishDone(run, as);
  if (options.dryRun === true)
    return foresee(
      context,
      before === null,
      before === null ? 'There are models to publish.' : 'All is published.',
    );
  const note =
    before ??
    (await withRegistry(context, place => {
      const key = openKeyFile(context, undefined);
      return publishAll({ run, as, place, key, by: BY, accept: replayed });
    }));
  await sayPublished(context, note);
  return before === null ? 'done' : 'unchanged';
}

async function sayPublished({ reporter }: Context, { models }: PublishNote): Promise<void> {
  await reporter.table(
    [{ title: 'model' }, { title: 'version' }, { title: 'scores now' }, { title: '' }],
    models.map(({ name, version, promoted, shadows, reason }) => [
      name,
      version,
      promoted ? 'yes' : shadows ? 'shadow' : 'no',
      printable(reason),
    ]),
  );
  const failed = models.filter(one => one.failed);
  const promoted = models.filter(one => one.promoted).length;
  const shadows = models.filter(one => one.shadows).length;
  await reporter.result({
    models,
    promoted,
    shadows,
    refused: models.length - promoted - shadows - failed.length,
    failed: failed.length,
  });
  if (failed.length > 0)
    throw new CliError(
      'model-failed',
      `${count(failed.length)} model(s) were not published: ${failed.map(({ name }) => name).join(', ')}.`,
    );
}

export function addPublish(backfill: Command, io: Io): void {
  const command = stepCommand(
    backfill,
    'publish',
    'sign, upload and verify what the gate lets through, then let it score, or shadow; refusals go into the audit',
  ).action((options: StepOptions, self: Command) =>
    inStepAlone(io, self, options, (context, run) => publish(context, run, options)),
  );
  withExamples(command, [
    [
      'rescore backfill publish --run runs/tonight',
      'with the key of models.signingKeyFile, into models.directory',
    ],
    [
      'RESCORE_MODELS_PUBLISH_AS=shadow rescore backfill publish --run runs/tonight',
      'beside the models that score; `rescore models promote` lets them score later',
    ],
  ]);
}
