/** `rescore backfill gate`: every trained model against the one that scores now. */
import type { Command } from 'commander';
import { gateDone, judgeAll } from '../../../backfill/pipeline/gate';
import type { GateNote } from '../../../backfill/pipeline/gate';
import type { RunFolder } from '../../../backfill/pipeline/run-folder';
import type { Ending } from '../../backfill/recorded';
import { foresee, inStepAlone, stepCommand } from '../../backfill/step';
import type { StepOptions } from '../../backfill/step';
import { withExamples, type Context } from '../../context';
import { CliError } from '../../errors';
import type { Io } from '../../io';
import { gateLimits, withRegistry } from '../../models/registry';
import { count } from '../../output/format';
import { printable } from '../../output/table';

async function gate(context: Context, run: RunFolder, options: StepOptions): Promise<Ending> {
  const { io, settings } = context;
  return withRegistry(context, async place => {
    const { clock, cpuMicros } = io;
    const limits = gateLimits(settings.values);
    const request = { run, place, limits, clock, cpuMicros };
    const before = options.again === true ? null : gateDone(request);
    if (options.dryRun === true)
      return foresee(
        context,
        before === null,
        before === null ? 'There are models to judge.' : 'All are judged.',
      );
    await sayJudged(context, before ?? (await judgeAll(request)));
    return before === null ? 'done' : 'unchanged';
  });
}

const DECISIONS = { promote: 'may score', reject: 'refused', failed: 'no artifact' } as const;

async function sayJudged({ reporter }: Context, { models }: GateNote): Promise<void> {
  await reporter.table(
    [
      { title: 'model' },
      { title: 'version' },
      { title: 'against' },
      { title: '' },
      { title: 's', right: true },
      { title: 'why' },
    ],
    models.map(({ name, version, champion, decision, reasons, seconds }) => [
      name,
      version,
      champion ?? 'no model',
      DECISIONS[decision],
      seconds?.toFixed(1) ?? '',
      printable(reasons.join('; ')),
    ]),
  );
  const of = (decision: string): number => models.filter(one => one.decision === decision).length;
  await reporter.result({ models, promote: of('promote'), reject: of('reject'), failed: of('failed') });
  const failed = models.filter(({ decision }) => decision === 'failed');
  if (failed.length > 0)
    throw new CliError(
      'model-failed',
      `${count(failed.length)} model(s) are no artifacts: ${failed.map(({ name }) => name).join(', ')}.`,
    );
}

export function addGate(backfill: Command, io: Io): void {
  const command = stepCommand(
    backfill,
    'gate',
    'judge every trained model against the one that scores now; a refusal is a result, not an error',
  ).action((options: StepOptions, self: Command) =>
    inStepAlone(io, self, options, (context, run) => gate(context, run, options)),
  );
  withExamples(command, [['rescore --json backfill gate --run runs/tonight', 'every check of every model']]);
}
