/** `rescore backfill publish`: what the gate lets through begins to score. */
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
  const before = options.again === true ? null : publishDone(run);
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
      return publishAll({ run, place, key, by: BY, accept: replayed });
    }));
  await sayPublished(context, note);
  return before === null ? 'done' : 'unchanged';
}

async function sayPublished({ reporter }: Context, { models }: PublishNote): Promise<void> {
  await reporter.table(
    [{ title: 'model' }, { title: 'version' }, { title: 'scores now' }, { title: '' }],
    models.map(({ name, version, promoted, reason }) => [
      name,
      version,
      promoted ? 'yes' : 'no',
      printable(reason),
    ]),
  );
  const failed = models.filter(one => one.failed);
  const promoted = models.filter(one => one.promoted).length;
  await reporter.result({
    models,
    promoted,
    refused: models.length - promoted - failed.length,
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
    'sign, upload and verify what the gate lets through, then let it score; refusals go into the audit',
  ).action((options: StepOptions, self: Command) =>
    inStepAlone(io, self, options, (context, run) => publish(context, run, options)),
  );
  withExamples(command, [
    [
      'rescore backfill publish --run runs/tonight',
      'with the key of models.signingKeyFile, into models.directory',
    ],
  ]);
}
