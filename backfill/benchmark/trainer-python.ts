/** Programs of backfill/trainer beside the trainer itself: its Python, its packages. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { trainerDirectory } from '../baseline/trainer';

/** Runs `python -m module …` in the trainer's folder and waits; throws with the next step. */
export function runPython(module: string, parameters: readonly string[]): void {
  const folder = trainerDirectory();
  const python = join(folder, '.venv', 'bin', 'python');
  if (!existsSync(python))
    throw new Error('The trainer is not installed: run `make trainer` first (it needs Python 3).');
  const { status, error } = spawnSync(python, ['-B', '-m', module, ...parameters], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error !== undefined) throw new Error(`${module} could not be started: ${error.message}.`);
  if (status !== 0) throw new Error(`${module} ended with ${status}; what it said stands above.`);
}
