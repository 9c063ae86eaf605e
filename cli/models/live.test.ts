/** @jest-environment ./models/testing/onnx-environment.js */
/** The models of a live process over a real registry: opened, followed, and what is said of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRegistrySource, openScorer } from '../../models';
import { VECTOR_WIDTH } from '../../processors/core';
import { promoteVersion, rollBack } from '../../models/registry/publish';
import { seenPointer } from '../../models/registry/registry';
import { DECISION, accept, emptyRegistry, publishTiny, tinyModel } from '../../models/testing/artifacts';
import type { TestRegistry } from '../../models/testing/artifacts';
import { overflowingAbove } from '../../models/testing/tiny-onnx';
import type { ModelMemory } from '../../processors/swap';
import { openEmbedded } from '../../streams/embedded';
import type { Embedded } from '../../streams/embedded';
import { systemClock } from '../clock';
import type { Io } from '../io';
import { parseSettings } from '../settings';
import { runCli } from '../testing/captured-io';
import { openLiveModels } from './live';
import type { LiveModels } from './live';
import { memoryInState } from './model-memory';

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

const open = (memory?: ModelMemory) =>
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
  const memory = memoryInState(state);
  const stumps = [...tinyModel(true).stumps, ...overflowingAbove(4, 3.402_823e38)];
  const bad = tinyModel(true, { stumps, overflowIsNaN: true });
  const first = await open(memory);
  const second = (await publishTiny(registry, 'churn', bad)).manifest.version;
  await first.look();
  // As another processor would have it, where the rows were sound.
  await memory.rememberProven('churn', second);
  const vectors = new Float32Array(VECTOR_WIDTH);
  vectors[4] = Infinity;
  const { by } = await first.scorer.scoreBatch!(vectors, 1);
  expect(madeBy(by.constants.models)).toBe(versions['churn']);
  expect(notes.at(-1)).toContain('The pointer still names it: `rescore models rollback churn`');
  expect((await memory.recall()).proven.get('churn')).toBe(versions['churn']);
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

describe('what became current while no process ran', () => {
  const ROWS = 500;
  /** Around the thresholds of the tiny models, so that their answers differ. */
  const vectors = Float32Array.from({ length: ROWS * VECTOR_WIDTH }, (_, at) => {
    const row = Math.floor(at / VECTOR_WIDTH);
    return [(row % 5) + 0.5, (row % 3) * 8, (row % 7) / 20][at % VECTOR_WIDTH] ?? 0;
  });
  const score = async (models: LiveModels, batches: number): Promise<string | undefined> => {
    let by = models.scorer.constants;
    for (let batch = 0; batch < batches; batch++)
      by = (await models.scorer.scoreBatch!(vectors, ROWS)).by.constants;
    return madeBy(by.models);
  };
  let state: Embedded;
  let memory: ModelMemory;
  beforeEach(async () => {
    env['RESCORE_MODELS_TRIAL_MICROS_PER_ROW'] = '1000000';
    env['RESCORE_MODELS_TRIAL_ROWS'] = '400';
    state = openEmbedded({ directory: join(cwd, 'state'), partitions: 1 });
    memory = memoryInState(state);
    const first = await open(memory);
    // Nothing was proven before: it scores, and everybody is scored by it.
    expect(first.wanted()).toBe(first.scorer.constants);
    await first.close();
    notes.length = 0;
  });
  afterEach(() => state.close());

  test('is on trial beside what is proven; bad, it goes back, and does not score after the next start', async () => {
    const second = await newer(-3);
    const models = await open(memory);
    expect(notes).toEqual([expect.stringContaining(`churn/${second} became current while`)]);
    expect([madeBy(models.scorer.constants.models), models.wanted()]).toEqual([second, null]);
    expect(await score(models, 4)).toBe(versions['churn']);
    expect(notes.at(-1)).toContain(`churn/${second} is rolled back (shifted`);
    await models.close();
    const again = await open(memory);
    expect(madeBy(again.scorer.constants.models)).toBe(versions['churn']);
    expect(again.metrics!().onTrial['churn']).toBe(false);
    await again.close();
  });

  test('good, it is proven, and the next start asks for no trial; promoted again after a rollback, it does', async () => {
    const second = await newer(0.75);
    const models = await open(memory);
    expect(models.wanted()).toBeNull();
    expect(await score(models, 30)).toBe(second);
    expect(notes.at(-1)).toContain(`churn/${second} has passed its trial`);
    await models.close();
    const again = await open(memory);
    expect(again.wanted()).toBe(again.scorer.constants);
    await again.close();
    const [rolled] = [{ model: 'churn', version: second, sequence: 2, previous: versions['churn']! }];
    await memory.rememberRollback({ ...rolled, words: 'output: row 0 gave NaN' });
    const back = await open(memory);
    expect(madeBy(back.scorer.constants.models)).toBe(versions['churn']);
    await back.close();
    const seen = await seenPointer(registry, 'churn');
    await promoteVersion(registry, 'churn', second, accept, DECISION, seen);
    const promoted = await open(memory);
    expect([madeBy(promoted.scorer.constants.models), promoted.wanted()]).toEqual([second, null]);
    await promoted.close();
  });

  test('no trial where a person took the proven one back, where there are none, or where it is gone, which is said', async () => {
    const second = await newer(-3);
    env['RESCORE_MODELS_TRIAL_MINUTES'] = '0';
    const without = await open(memory);
    expect(without.wanted()).toBe(without.scorer.constants);
    await without.close();
    delete env['RESCORE_MODELS_TRIAL_MINUTES'];
    await rollBack(registry, 'churn', accept, DECISION);
    const back = await open(memory);
    expect(madeBy(back.wanted()!.models)).toBe(versions['churn']);
    await back.close();
    expect(notes).toEqual([]);
    await promoteVersion(registry, 'churn', second, accept, DECISION, await seenPointer(registry, 'churn'));
    writeFileSync(join(cwd, 'models', 'churn', versions['churn']!, 'model.onnx'), 'no model');
    const models = await open(memory);
    expect(madeBy(models.wanted()!.models)).toBe(second);
    expect(notes).toEqual([
      expect.stringContaining(`churn/${second} scores without a trial, as ${versions['churn']}, the last`),
    ]);
    await models.close();
  });
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
