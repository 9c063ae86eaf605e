/** `rescore backfill report`: what a run has done, as a page and as a PDF. */
import type { Command } from 'commander';
import { ReportError, writeReport } from '../../../backfill/report';
import { contextOf, withExamples, type Context } from '../../context';
import { CliError } from '../../errors';
import type { Io } from '../../io';
import { bytes } from '../../output/format';

async function report({ path, reporter }: Context, given: string): Promise<void> {
  const written = await inReportWords(() => writeReport(path(given)));
  for (const { name, bytes: size } of written.files)
    await reporter.text(`${path(given)}/${name}: ${bytes(size)}`);
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
  const command = backfill
    .command('report')
    .description('report.html and report.pdf of a run folder; what did not run is said to be missing')
    .requiredOption('--run <dir>', 'run folder that all steps share')
    .action(({ run }: { run: string }, self: Command) => report(contextOf(io, self), run));
  withExamples(command, [['rescore backfill report --run runs/tonight', 'also in the middle of a run']]);
}
