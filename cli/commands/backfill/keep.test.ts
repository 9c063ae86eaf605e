/** `rescore backfill keep`: results of a night outlive its run folder, its data does not. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runCli } from '../../testing/captured-io';

const RESULTS = [
  'gate.json',
  'plan.json',
  'report.html',
  'report.pdf',
  'trained/churn/calibration.svg',
  'trained/churn/card.md',
];
const DATA = [
  'dataset.parquet',
  'items/p00000.columns',
  'source/orders/a.avro',
  'champions/churn/model.onnx',
  'x.partial',
  'trained.partial/churn/model.onnx',
  'run.lock',
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rescore-keep-'));
  for (const name of [...RESULTS, ...DATA]) {
    mkdirSync(dirname(join(folder, 'night-7', name)), { recursive: true });
    writeFileSync(join(folder, 'night-7', name), `bytes of ${name}`);
  }
});
afterEach(() => rmSync(folder, { recursive: true }));

const keep = (run = 'night-7', to = 'kept/') =>
  runCli(['--json', 'backfill', 'keep', '--run', run, '--to', to], { cwd: folder });
const kept = () =>
  readdirSync(join(folder, 'kept/night-7'), { recursive: true, encoding: 'utf8' })
    .filter(name => statSync(join(folder, 'kept/night-7', name)).isFile())
    .sort();

test('takes all results and no data, byte for byte, and a second time the same', async () => {
  for (let again = 0; again < 2; again++) {
    const { code, stdout } = await keep();
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ files: RESULTS.length })]);
    expect(kept()).toEqual(RESULTS);
    for (const name of RESULTS)
      expect(readFileSync(join(folder, 'kept/night-7', name), 'utf8')).toBe(`bytes of ${name}`);
  }
});

test('what is no run folder is refused', async () => {
  const { code, stderr } = await keep('night-8');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/night-8 has no plan\.json/)]);
});

test('a bucket without a name is refused', async () => {
  const { code, stderr } = await keep('night-7', 's3:///');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/names no bucket/)]);
});
