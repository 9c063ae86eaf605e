/** Steps leave what they took and did, also where they fail: whoever calls them singly has it in the report too. */
import { countsOf, hasStep, writeStep } from '../../backfill/pipeline/step-record';
import type { RunFolder } from '../../backfill/pipeline/run-folder';
import type { Context } from '../context';
import { Reporter } from '../output/reporter';

/** `unchanged`: nothing was to be done any more, or it was a dry run; the record of who did it stays. */
export type Ending = 'done' | 'unchanged';

/** Keeps the figures of the result on its way out. */
class Counting extends Reporter {
  counts: Record<string, number> = {};
  override async result(value: unknown): Promise<void> {
    this.counts = countsOf(value);
    await super.result(value);
  }
}

const codeOf = (error: unknown): string => {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'failed';
};

/** Runs the step `name`, and writes its record. Nothing is written into a folder that is no run. */
export async function recorded(
  context: Context,
  run: RunFolder,
  name: string,
  work: (context: Context) => Promise<Ending>,
): Promise<void> {
  const { io, reporter: outer } = context;
  const reporter = new Counting(outer.io, outer.options);
  const startedAt = io.clock.now();
  const write = (failed: string | null): void => {
    const seconds = (io.clock.now() - startedAt) / 1_000;
    writeStep(run, name, null, { seconds, counts: reporter.counts, failed });
  };
  let ending: Ending;
  try {
    ending = await work({ ...context, reporter });
  } catch (error) {
    if (run.has('plan.json')) write(codeOf(error));
    throw error;
  }
  if (ending === 'done' || !hasStep(run, name)) write(null);
}
