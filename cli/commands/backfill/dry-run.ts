/** `rescore backfill run --dry-run`: what each step would do, as far as that can be foreseen. Nothing is written. */
import type { Context } from '../../context';
import { CliError } from '../../errors';
import { Captured, withStdout } from './captured';
import type { RunProgram, Step } from './run';

/** What a dry run of a step answers, as far as it matters here. */
interface Answer {
  open: boolean;
  said: string;
}

/** @throws CliError step-failed */
export async function drySteps(
  { io, reporter }: Context,
  steps: readonly Step[],
  program: RunProgram,
  argv: (step: Step) => string[],
): Promise<void> {
  const foreseen: { name: string; open: boolean; said: string | null }[] = [];
  for (const step of steps) {
    const { name, takes } = step;
    if (foreseen.some(before => before.name === takes && before.open)) {
      foreseen.push({ name, open: true, said: null });
      await reporter.text(`${name}: can't be foreseen, as it takes what ${takes} has yet to make.`);
      continue;
    }
    const stdout = new Captured();
    const code = await program(argv(step), withStdout(io, stdout));
    if (code !== 0)
      throw new CliError('step-failed', `The step ${name} ended with ${code}; what it said stands above.`);
    const { open, said } = JSON.parse(stdout.text) as Answer;
    foreseen.push({ name, open, said });
    await reporter.text(`${name}: ${said}`);
  }
  await reporter.result({ steps: foreseen });
}
