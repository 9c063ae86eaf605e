/** The image of the nightly backfill: Node and the trainer, as nobody in particular, on a read-only root, without a network. */
import { buildImage, docker } from '../streams/testing/docker';
import { describeWithServers } from '../streams/testing/describe';

const IMAGE = 'rescore-backfill:test';
const RIGHTS = ['--rm', '--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--network', 'none'];
const PYTHON = '/app/backfill/trainer/.venv/bin/python';

const run = (...argv: string[]): Promise<string> => docker('run', ...RIGHTS, ...argv);
const python = (...argv: string[]): Promise<string> =>
  run('--workdir', '/app/backfill/trainer', '--entrypoint', PYTHON, IMAGE, '-B', ...argv);

describeWithServers('the image of the nightly backfill', () => {
  beforeAll(() => buildImage('backfill', IMAGE), 900_000);

  test('is the command', async () => {
    expect(await run(IMAGE, 'backfill', '--help')).toContain('Usage: rescore backfill');
  }, 60_000);

  test('has the trainer with all that it imports', async () => {
    expect(await python('-m', 'rescore_trainer', '--help')).toContain('usage: python -m rescore_trainer');
    expect(await python('-m', 'rescore_trainer.contributions', '--help').catch(String)).not.toMatch(
      /ModuleNotFoundError|ImportError/,
    );
  }, 120_000);

  test('fits trees and says what they are in ONNX', async () => {
    const program = `
import numpy, onnx, xgboost
rows = numpy.random.default_rng(1).random((500, 4), dtype=numpy.float32)
trees = xgboost.train({"max_depth": 2, "nthread": 2}, xgboost.DMatrix(rows, rows[:, 0]), 5)
print(float(numpy.abs(trees.predict(xgboost.DMatrix(rows)) - rows[:, 0]).mean()) < 0.2, onnx.__version__)`;
    expect(await python('-c', program)).toMatch(/^True \d/);
  }, 60_000);

  test('cannot install anything, and runs as nobody in particular', async () => {
    expect(await run('--entrypoint', 'id', IMAGE, '-u')).toBe('1000');
    await expect(run('--entrypoint', 'touch', IMAGE, '/app/anything')).rejects.toThrow(
      'Read-only file system',
    );
    await expect(python('-m', 'pip', '--version')).rejects.toThrow('No module named pip');
  }, 60_000);

  test('its own user owns the folders that Fargate mounts over', async () => {
    // Without --tmpfs: the volumes that the image declares, as Fargate makes them.
    const rights = ['--rm', '--read-only', '--cap-drop', 'ALL', '--network', 'none'];
    const write =
      'require("fs").writeFileSync("/key/a", "", { mode: 0o600 }); require("fs").writeFileSync("/tmp/a", "")';
    expect(await docker('run', ...rights, '--entrypoint', 'node', IMAGE, '-e', write)).toBe('');
  }, 60_000);
});
