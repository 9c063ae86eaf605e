/**
 * The Python trainer as a process. Its environment is made by `make trainer`, never here: nothing is downloaded while
 * a job runs.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { trainerDirectory } from '../baseline/trainer';
import { BackfillError } from './errors';

export interface TrainerRun {
  /** Null: the environment beside the trainer. */
  python: string | null;
  dataset: string;
  out: string;
  seed: number;
  /** Folder of the models that score now; null: none does. */
  champions: string | null;
  models: readonly string[];
  /** Where the history came from, in words, for the cards. */
  source: string;
  /** A sentence on top of the cards; null: none. */
  notice: string | null;
  signal: AbortSignal;
  say: (line: string) => void;
}

/** @throws BackfillError trainer-failed, interrupted */
export async function runTrainer(run: TrainerRun): Promise<void> {
  const folder = trainerDirectory();
  const python = run.python ?? join(folder, '.venv', 'bin', 'python');
  if (run.python === null && !existsSync(python))
    throw new BackfillError(
      'trainer-failed',
      `The trainer has no Python environment: \`make trainer\` installs it into ${join('backfill', 'trainer', '.venv')}.`,
    );
  const { dataset, out, seed, champions, models, source, notice } = run;
  const parameters = [
    ...['train', '--dataset', dataset, '--out', out, '--seed', String(seed), '--source', source],
    ...(champions === null ? [] : ['--champions', champions]),
    ...(notice === null ? [] : ['--notice', notice]),
    ...['--models', models.join(',')],
  ];
  // A signal that has come before is not sent again.
  if (run.signal.aborted) throw new BackfillError('interrupted', 'Training was stopped before it began.');
  const code = await ended(python, ['-B', '-m', 'rescore_trainer', ...parameters], folder, run);
  if (run.signal.aborted) throw new BackfillError('interrupted', 'Training was stopped on the way.');
  if (code !== 0)
    throw new BackfillError('trainer-failed', `The trainer ended with ${code}; what it said stands above.`);
}

function ended(
  command: string,
  parameters: readonly string[],
  cwd: string,
  { signal, say }: Pick<TrainerRun, 'signal' | 'say'>,
): Promise<number | string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (): void => void child.kill('SIGTERM');
    signal.addEventListener('abort', stop, { once: true });
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', say);
    child.once('error', error =>
      reject(new BackfillError('trainer-failed', `${command} could not be started: ${error.message}.`)),
    );
    child.once('close', (code, killedBy) => {
      signal.removeEventListener('abort', stop);
      resolve(code ?? killedBy ?? 'unknown');
    });
  });
}
