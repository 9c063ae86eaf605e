/** @jest-environment ./models/testing/onnx-environment.js */
/** A whole night from the command line: files in, signed models out, the report; a second run finds all of it done. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trainerDirectory } from '../../../backfill/baseline/trainer';
import { sha256 } from '../../../backfill/pipeline/files';
import { openScorer } from '../../../models';
import { VECTOR_WIDTH } from '../../../processors/core';
import { runCli } from '../../testing/captured-io';

const MINUTE = 60_000;
const MODELS = ['churn', 'engagement', 'ltv'];
/** What a night leaves, besides the folders of its items and models. */
const LEFT = [
  'plan.json',
  'dataset.json',
  'gate.json',
  'publish.json',
  'drift.json',
  'report.html',
  'report.pdf',
];
const isInstalled = existsSync(join(trainerDirectory(), '.venv', 'bin', 'python'));
if (!isInstalled) process.stderr.write('Skipped: a whole night; `make trainer` installs what it needs.\n');
const whenInstalled = isInstalled ? test : test.skip;

const cwd = mkdtempSync(join(tmpdir(), 'rescore-night-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** A small world is enough to see every step; it is not enough to be good. */
const env = (publicKey: string): Record<string, string> => ({
  RESCORE_MODELS_SET: 'shop',
  RESCORE_MODELS_DIRECTORY: 'registry',
  RESCORE_MODELS_SIGNING_KEY_FILE: 'key.pem',
  RESCORE_MODELS_TRUSTED_KEYS: publicKey,
  RESCORE_GATE_CUSTOMERS: '100',
  RESCORE_GATE_CALIBRATION_ERROR: '1',
  RESCORE_GATE_SELECTION_RATIO: '0',
  RESCORE_GATE_MICROS_PER_ROW: '10000',
});

async function ok(settings: Record<string, string>, ...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(argv, { cwd, env: { USER: 'kim', ...settings } });
  expect({ argv, code, stderr: code === 0 ? '' : stderr }).toEqual({ argv, code: 0, stderr: '' });
  return stdout;
}

const read = <T>(...names: string[]): T => JSON.parse(readFileSync(join(cwd, ...names), 'utf8')) as T;
const digests = (): string[] => LEFT.map(name => `${name} ${sha256(readFileSync(join(cwd, 'night', name)))}`);

whenInstalled(
  'files become models that score, and the same command again changes nothing',
  async () => {
    const world = await ok({}, 'world', '--customers', '260', '--days', '400', '--seed', '3');
    writeFileSync(join(cwd, 'world.jsonl'), world);
    const { publicKey } = JSON.parse(await ok({}, '--json', 'models', 'keygen', 'key.pem')) as {
      publicKey: string;
    };
    const settings = env(publicKey);
    const night = ['--json', 'backfill', 'run', 'world.jsonl', '--format', 'segment', '--run', 'night'];
    await ok(settings, ...night);

    const gate = read<{ models: { name: string; decision: string; seconds: number }[] }>(
      'night',
      'gate.json',
    );
    expect(gate.models.map(({ name, decision }) => `${name} ${decision}`).sort()).toEqual(
      MODELS.map(name => `${name} promote`),
    );
    for (const { seconds } of gate.models) expect(seconds).toBeGreaterThan(0);
    const scorer = await openScorer({
      directory: join(cwd, 'registry'),
      set: 'shop',
      keys: [{ publicKey, sets: ['shop'] }],
    });
    const answers = await scorer.score(new Float32Array(VECTOR_WIDTH).fill(NaN), 1);
    expect(Object.keys(answers).sort()).toEqual(MODELS);
    await scorer.release();

    for (const step of ['plan', 'replay/p00000', 'dataset', 'train', 'gate', 'publish', 'drift', 'report'])
      expect(read('night', 'steps', `${step}.json`)).toMatchObject({ failed: null });
    const before = digests();
    const pointers = MODELS.map(name => readFileSync(join(cwd, 'registry', name, 'current.json'), 'utf8'));
    await ok(settings, ...night);
    // The report shows how long the steps took.
    const steady = (lines: readonly string[]) => lines.filter(line => !line.startsWith('report.'));
    expect(steady(digests())).toEqual(steady(before));
    expect(MODELS.map(name => readFileSync(join(cwd, 'registry', name, 'current.json'), 'utf8'))).toEqual(
      pointers,
    );
  },
  10 * MINUTE,
);
