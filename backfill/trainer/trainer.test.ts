/** @jest-environment ./models/testing/onnx-environment.js */
/** The trainer's own tests (pytest), and what it leaves as the loader takes it; `make trainer` installs what they need. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as onnx from 'onnxruntime-node';
import { FEATURE_NAMES, VECTOR_WIDTH } from '../../processors/core';
import { checkTrees, readTrees } from '../../models/explain/trees';
import { GOLDEN_TOLERANCE, readGolden } from '../../models/registry/golden';
import { manifestSchema } from '../../models/registry/manifest';
import { inspectOnnx } from '../../models/registry/onnx-file';
import { publishArtifact } from '../../models/registry/publish';
import { DECISION, TEST_SET, accept, emptyRegistry, relativeLinks } from '../../models/testing/artifacts';
import { readReport } from '../baseline/trainer';
import { HistoryFold, LABEL_PLANS, summariseRows, writeParquet } from '../dataset';
import { candidateOf } from '../pipeline/candidate';
import { runTrainer } from '../pipeline/trainer-process';
import { RANGE, smallHistory } from '../testing/small-history';

const MINUTE = 60_000;
const python = join(__dirname, '.venv', 'bin', 'python');
const needs = 'import onnxruntime, pyarrow, pytest, xgboost';
const installed = existsSync(python) && spawnSync(python, ['-c', needs]).status === 0;
if (!installed)
  process.stderr.write(
    'SKIPPED: the tests of the trainer. `make trainer` installs what they need into backfill/trainer/.venv.\n',
  );
const orSkip = installed ? test : test.skip;

orSkip(
  'pytest backfill/trainer/tests',
  () => {
    const run = spawnSync(
      python,
      ['-m', 'pytest', '-q', '--color=no', '-p', 'no:cacheprovider', join(__dirname, 'tests')],
      {
        encoding: 'utf8',
      },
    );
    expect(`${run.status} ${run.stdout}${run.stderr}`).toMatch(/^0 [^]*\d+ passed/);
  },
  20 * MINUTE,
);

/** Answers of the runtime that scores the stream, row by row. */
async function answers(model: Uint8Array, inputs: Float32Array): Promise<Float32Array> {
  const session = await onnx.InferenceSession.create(model);
  const rows = inputs.length / VECTOR_WIDTH;
  const { score } = await session.run({ features: new onnx.Tensor('float32', inputs, [rows, VECTOR_WIDTH]) });
  await session.release();
  return score!.data as Float32Array;
}

orSkip(
  'from a history to models that the loader takes: manifest fields, golden vectors, trees, the layout',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rescore-trainer-'));
    const fold = new HistoryFold(RANGE);
    for (const record of smallHistory(500)) fold.take(record);
    const dataset = join(folder, 'dataset.parquet');
    const snapshots = fold.finish();
    await writeParquet(dataset, snapshots, RANGE);
    const words = { source: 'a test', notice: 'For a test.', say: () => undefined };
    const models = LABEL_PLANS.map(({ name }) => name);
    const { signal } = new AbortController();
    const run = { python: null, dataset, out: folder, seed: 1, champions: null, models, signal };
    await runTrainer({ ...run, ...words });
    const { sides } = summariseRows(snapshots, RANGE);
    const training = { trained: folder, set: TEST_SET, range: RANGE, sides, source: 'a test' };
    const registry = emptyRegistry(join(folder, 'registry'));
    mkdirSync(registry.directory);
    for (const { name } of LABEL_PLANS) {
      const { draft, files } = candidateOf({ ...training, codeCommit: 'unknown' }, name);
      const { manifest } = await publishArtifact(registry, draft, files, registry.key, accept, DECISION);
      const published = join(registry.directory, name, manifest.version);
      const links = relativeLinks(readFileSync(join(published, 'card.md'), 'utf8'));
      expect(links).toEqual(['calibration.svg', 'lift.svg']);
      for (const link of links) expect(readFileSync(join(published, link), 'utf8')).toMatch(/^<svg /);
      const read = (file: string): Buffer => readFileSync(join(folder, name, file));
      const report = readReport(folder, name);
      const { shape } = manifestSchema;
      for (const field of [
        'rows',
        'metrics',
        'evaluation',
        'parameters',
        'normalisation',
        'quantiles',
      ] as const)
        expect([field, shape[field].safeParse(report[field]).error]).toEqual([field, undefined]);
      expect(Object.keys(report.quantiles.features)).toEqual([...FEATURE_NAMES]);
      expect(report.normalisation !== null).toBe(name === 'ltv');
      inspectOnnx(read('model.onnx'), name);
      const golden = readGolden(read('golden.jsonl').toString(), VECTOR_WIDTH, name);
      const found = await answers(read('model.onnx'), golden.inputs);
      golden.outputs.forEach((expected, row) =>
        expect(Math.abs(found[row]! - expected)).toBeLessThanOrEqual(
          GOLDEN_TOLERANCE * Math.max(1, Math.abs(expected)),
        ),
      );
      const trees = join(folder, name, 'trees.json');
      if (existsSync(trees)) checkTrees(readTrees(read('trees.json').toString(), name, name), golden, name);
      expect(read('card.md').toString()).toContain('**For a test.**');
    }
    rmSync(folder, { recursive: true });
  },
  20 * MINUTE,
);
