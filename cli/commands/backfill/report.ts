/** `rescore backfill report`: what a run has done, as a page and as a PDF. */
import type { Command } from 'commander';
import type { RunFolder } from '../../../backfill/pipeline/run-folder';
import { ReportError, writeReport } from '../../../backfill/report';
import { foresee, inCheck, stepCommand } from '../../backfill/step';
import type { StepOptions } from '../../backfill/step';
import { withExamples, type Context } from '../../context';
import { CliError } from '../../errors';
import type { Io } from '../../io';
import { bytes } from '../../output/format';

async function report(context: Context, { directory }: RunFolder, { dryRun }: StepOptions): Promise<void> {
  const { reporter } = context;
  if (dryRun === true) {
    await foresee(context, true, 'report.html and report.pdf are made of what is there, also again.');
    return;
  }
  const written = await inReportWords(() => writeReport(directory));
  for (const { name, bytes: size } of written.files)
    await reporter.text(`${directory}/${name}: ${bytes(size)}`);
  await reporter.result(written);
}

/** @throws CliError run-missing, run-damaged */
export async function inReportWords<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ReportError ? new CliError(error.code, error.message) : error;
  }
}

export function addReport(backfill: Command, io: Io): void {
  const command = stepCommand(
    backfill,
    'report',
    'report.html and report.pdf of a run folder; what did not run is said to be missing',
  ).action((options: StepOptions, self: Command) =>
    inCheck(io, self, options, (context, run) => report(context, run, options)),
  );
  withExamples(command, [['rescore backfill report --run runs/tonight', 'also in the middle of a run']]);
}
