/** The trainer's own tests (pytest), where its environment is installed: `make baseline` makes it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const python = join(__dirname, '.venv', 'bin', 'python');
const installed =
  existsSync(python) && spawnSync(python, ['-c', 'import xgboost, onnx, pytest']).status === 0;
if (!installed)
  process.stderr.write(
    'SKIPPED: the tests of the trainer. Install backfill/trainer/requirements-test.txt into backfill/trainer/.venv.\n',
  );

(installed ? test : test.skip)('pytest backfill/trainer/tests', () => {
  const run = spawnSync(python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', join(__dirname, 'tests')], {
    encoding: 'utf8',
  });
  expect(`${run.status} ${run.stdout}${run.stderr}`).toMatch(/^0 [^]*\d+ passed/);
});
