/** @jest-environment ./models/testing/onnx-environment.js */
/** The models of a live process over a real registry: opened, followed, and what is said of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRegistrySource, openScorer } from '../../models';
import { VECTOR_WIDTH } from '../../processors/core';
import { promoteVersion } from '../../models/registry/publish';
import { seenPointer } from '../../models/registry/registry';
import { DECISION, accept, emptyRegistry, publishTiny, tinyModel } from '../../models/testing/artifacts';
import type { TestRegistry } from '../../models/testing/artifacts';
import type { RollbackMemory } from '../../processors/swap';
import { openEmbedded } from '../../streams/embedded';
import { systemClock } from '../clock';
import type { Io } from '../io';
import { parseSettings } from '../settings';
import { runCli } from '../testing/captured-io';
import { openLiveModels } from './live';
import { rollbacksInState } from './rollback-memory';

let cwd: string;
let registry: TestRegistry;
let versions: Record<string, string>;
let env: Record<string, string>;
const notes: string[] = [];

beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'rescore-live-models-'));
  registry = emptyRegistry(join(cwd, 'models'));
  versions = {};
  for (const name of ['engagement', 'churn', 'ltv'])
    versions[name] = (await publishTiny(registry, name)).manifest.version;
  env = {
    RESCORE_MODELS_DIRECTORY: 'models',
    RESCORE_MODELS_SET: registry.set,
    RESCORE_MODELS_TRUSTED_KEYS: registry.key.publicKey,
  };
  notes.length = 0;
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const open = (memory?: RollbackMemory) =>
  openLiveModels(
    { cwd, clock: systemClock, openScorer, openModelSource: openRegistrySource } as unknown as Io,
    parseSettings(env, null).values,
    'a test',
    line => void notes.push(line),
    memory,
  );
const newer = async (base: number): Promise<string> =>
  (await publishTiny(registry, 'churn', tinyModel(true, { base }))).manifest.version;
const madeBy = (models: readonly { name: string; version: string }[]): string | undefined =>
  models.find(({ name }) => name === 'churn')?.version;

test('a version that is promoted scores from the next batch on, without a restart', async () => {
  const models = await open();
  const second = await newer(0.75);
  await models.look();
  const { by } = await models.scorer.scoreBatch!(new Float32Array(VECTOR_WIDTH), 1);
  expect(madeBy(by.constants.models)).toBe(second);
  expect(notes).toEqual([
    expect.stringContaining(`churn/${second} scores from the next batch on, instead of ${versions['churn']}`),
  ]);
  expect(models.wanted()).toBeNull();
  await models.close();
});

test('a process that starts while the pointer names a damaged version takes the one before', async () => {
  const second = await newer(0.75);
  writeFileSync(join(cwd, 'models', 'churn', second, 'model.onnx'), 'no model');
  const models = await open();
  expect(madeBy(models.scorer.constants.models)).toBe(versions['churn']);
  expect(notes).toEqual([
    expect.stringMatching(/may not score \(file-digest-mismatch\).* That took \d+ ms\./),
  ]);
  await models.look();
  expect(models.metrics!().behind['churn']).toBe(true);
  await models.close();
});

test('a version that was rolled back does not score after a restart, until somebody promotes it again', async () => {
  const state = openEmbedded({ directory: join(cwd, 'state'), partitions: 1 });
  const memory = rollbacksInState(state);
  const poison = { feature: 4, threshold: 3.402_823e38, below: 0, above: NaN };
  const bad = tinyModel(true, { stumps: [...tinyModel(true).stumps, poison] });
  const first = await open(memory);
  const second = (await publishTiny(registry, 'churn', bad)).manifest.version;
  await first.look();
  const vectors = new Float32Array(VECTOR_WIDTH);
  vectors[4] = Infinity;
  const { by } = await first.scorer.scoreBatch!(vectors, 1);
  expect(madeBy(by.constants.models)).toBe(versions['churn']);
  expect(notes.at(-1)).toContain('The pointer still names it: `rescore models rollback churn`');
  await first.close();
  const again = await open(memory);
  expect(madeBy(again.scorer.constants.models)).toBe(versions['churn']);
  expect(again.metrics!().behind['churn']).toBe(true);
  expect(notes.at(-1)).toContain(`churn/${second} was rolled back before (output: `);
  await again.look();
  expect(madeBy(again.scorer.constants.models)).toBe(versions['churn']);
  const seen = await seenPointer(registry, 'churn');
  await promoteVersion(registry, 'churn', second, accept, DECISION, seen);
  await again.look();
  expect(madeBy(again.scorer.constants.models)).toBe(second);
  await again.close();
  await state.close();
});

test('with no version before, it says what is wrong and nothing starts', async () => {
  writeFileSync(join(cwd, 'models', 'churn', versions['churn']!, 'model.onnx'), 'no model');
  await expect(open()).rejects.toMatchObject({ code: 'file-digest-mismatch' });
});

test('`models shadow` lets a version answer beside the current one, and ends it', async () => {
  const run = (...argv: string[]) => runCli(['models', 'shadow', ...argv], { cwd, env });
  const second = await newer(0.75);
  expect((await run('churn', second)).stderr).toContain('is the current version');
  expect((await run('churn', '20200101T000000Z-00000000')).stderr).toContain('version-missing');
  expect((await run('other', 'off')).stderr).toContain('model-unknown');
  expect((await run('churn', versions['churn']!)).code).toBe(0);
  const models = await open();
  await models.look();
  const vectors = new Float32Array(3 * VECTOR_WIDTH);
  const { by } = await models.scorer.scoreBatch!(vectors, 3);
  expect(madeBy(by.constants.models)).toBe(second);
  const [shadow] = models.metrics!().shadows;
  expect(shadow).toMatchObject({ model: 'churn', version: versions['churn'] });
  expect((await run('churn', 'off')).stdout).toContain('Nothing shadows churn');
  await models.look();
  expect(models.metrics!().shadows).toEqual([]);
  await models.close();
});
