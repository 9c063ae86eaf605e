/** @jest-environment ./models/testing/onnx-environment.js */
/** The first night after a release with other features: the model that scores now cannot answer the new rows. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { LAYOUT_FINGERPRINT } from '../../models';
import { currentPointer } from '../../models/registry/registry';
import { DirectoryStore } from '../../models/registry/directory-store';
import type { StorePlace } from '../../models/registry/registry';
import { GATE_LIMITS, accept, filesOf, tinyModel } from '../../models/testing/artifacts';
import { MANIFEST, metric } from '../../models/testing/challengers';
import { DamagedRegistry } from '../../models/testing/damaged-registry';
import { writeChampions } from './champions';
import { gateDone, judgeAll } from './gate';
import type { GateNote } from './gate';
import { publishAll } from './publish';
import { RunFolder } from './run-folder';

const END = Date.UTC(2026, 1, 1);
let registry: DamagedRegistry;
let place: StorePlace;
let run: RunFolder;
beforeEach(async () => {
  registry = await DamagedRegistry.make();
  const { directory, set, keys } = registry.place;
  place = { store: new DirectoryStore(directory), set, keys };
  run = trainedRun({ auc: metric(0.7), logLoss: metric(0.6) });
});
afterEach(() => {
  registry.remove();
  rmSync(run.directory, { recursive: true });
});

/** As the trainer leaves it when it was given no champion. */
function trainedRun(baseline: Record<string, ReturnType<typeof metric>>): RunFolder {
  const folder = new RunFolder(mkdtempSync(join(tmpdir(), 'rescore-layout-')));
  const write = (file: string, content: unknown): void => {
    mkdirSync(dirname(folder.at(file)), { recursive: true });
    writeFileSync(folder.at(file), content instanceof Uint8Array ? content : JSON.stringify(content));
  };
  const { rows, metrics, parameters, seed, quantiles } = MANIFEST;
  const side = { rows: 9, from: END, until: END };
  const report = { model: 'churn', input: 'features', output: 'score', rows, metrics, parameters, seed };
  const evaluation = {
    ...MANIFEST.evaluation,
    champion: null,
    baseline: { name: 'recency', metrics: baseline },
  };
  write('plan.json', { id: 'night', layout: LAYOUT_FINGERPRINT, source: { words: 'a test' } });
  write('dataset.json', {
    range: { startAt: 0, endAt: END },
    sides: { churn: { training: side, validation: side } },
  });
  write('trained/train.json', { models: [{ name: 'churn' }], champions: [], inputs: 'of this test' });
  write('trained/churn/report.json', { ...report, evaluation, quantiles, normalisation: null });
  const files = filesOf(tinyModel(true, { base: 0.75 }));
  for (const [file, bytes] of Object.entries(files)) write(`trained/churn/${file}`, bytes);
  return folder;
}

const ofAnotherRelease = (): void =>
  registry.reseal(manifest => {
    manifest['layout'] = { fingerprint: 'ab'.repeat(32), width: 7 };
  });

const request = () => ({
  run,
  place,
  limits: { ...GATE_LIMITS, microsPerRow: 10_000 },
  clock: { now: () => END },
  cpuMicros: () => performance.now() * 1_000,
});
const judged = async (): Promise<GateNote['models'][number]> => (await judgeAll(request())).models[0]!;

test('the challenger is judged by the named baseline, and takes the place of the old model', async () => {
  ofAnotherRelease();
  const said: string[] = [];
  expect(await writeChampions(place, ['churn'], run.at('champions'), line => said.push(line))).toEqual([]);
  expect(said).toEqual([expect.stringMatching(/can't be compared with: .*it was trained on layout abab/)]);
  const { decision, champion, reasons, checks } = await judged();
  expect({ decision, champion, reasons }).toEqual({
    decision: 'promote',
    champion: registry.version,
    reasons: [],
  });
  expect(checks).toContainEqual({
    check: 'comparison',
    state: 'passed',
    said: `${registry.version} reads another feature layout and can't be compared with: auc is 0.82, the baseline recency has 0.7; higher is better, and 1 % worse is allowed`,
  });
  const { key } = registry.place;
  const { models } = await publishAll({ run, as: 'current', place, key, by: 'a test', accept });
  expect(models).toEqual([expect.objectContaining({ promoted: true, reason: 'current' })]);
  expect(await currentPointer(place, 'churn')).toMatchObject({ previous: registry.version });
  expect(gateDone(request())).not.toBeNull();
});

test('worse than the baseline is refused, night after night, with that reason', async () => {
  ofAnotherRelease();
  rmSync(run.directory, { recursive: true });
  run = trainedRun({ auc: metric(0.9) });
  const { decision, reasons } = await judged();
  expect(decision).toBe('reject');
  expect(reasons).toEqual([expect.stringContaining('auc is 0.82, the baseline recency has 0.9')]);
});

test('a damaged model that scores now is no reason to judge by the baseline: refused, with what is wrong', async () => {
  const onnx = readFileSync(registry.path('@/model.onnx'));
  onnx[onnx.length >> 1]! ^= 1;
  registry.put('@/model.onnx', onnx);
  const { decision, reasons } = await judged();
  expect(decision).toBe('reject');
  expect(reasons).toEqual([
    expect.stringMatching(
      /^it was compared with no model, and \S+ scores now, which can't be compared with: \S+\/model\.onnx: its SHA-256 is not the one in the manifest/,
    ),
  ]);
});

test('a whole one of the same layout that was left out of the training is refused as before', async () => {
  expect((await judged()).reasons).toEqual([
    `it was compared with no model, and ${registry.version} scores now`,
  ]);
});
