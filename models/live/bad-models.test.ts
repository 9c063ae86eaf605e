/** @jest-environment ./models/testing/onnx-environment.js */
/**
 * Every kind of model that must not score, as a real artifact in a real registry: the loader refuses it, the gate
 * refuses it, or it is rolled back within its trial; each with its reason, and with the time that it took.
 */
import { metricsOf } from '../../backfill/drift/metrics';
import { judgeCandidate } from '../../backfill/pipeline/gate';
import type { Judged } from '../../backfill/pipeline/gate';
import { VECTOR_WIDTH } from '../../processors/core';
import { running } from '../../processors/swap/testing/running';
import { DirectoryStore } from '../registry/directory-store';
import { readAudit } from '../registry/audit';
import type { Manifest } from '../registry/manifest';
import { currentPointer } from '../registry/registry';
import type { VerifiedArtifact } from '../registry/registry';
import { newSigningKey } from '../signing';
import { GATE_LIMITS, draftOf, filesOf, publishTiny, tinyModel } from '../testing/artifacts';
import { DamagedRegistry } from '../testing/damaged-registry';
import { overflowingAbove, tinyAnswer } from '../testing/tiny-onnx';
import type { Stump, TinyModel } from '../testing/tiny-onnx';
import { RegistrySource } from './registry-source';

const ROWS = 500;
/** Around the thresholds of the tiny models, so that their eight answers all come. */
const VECTORS = Float32Array.from({ length: ROWS * VECTOR_WIDTH }, (_, at) => {
  const row = Math.floor(at / VECTOR_WIDTH);
  return [(row % 5) + 0.5, (row % 3) * 8, (row % 7) / 20][at % VECTOR_WIDTH] ?? 0;
});

let registry: DamagedRegistry;
let v1 = '';
beforeEach(async () => {
  registry = await DamagedRegistry.make();
  v1 = registry.version;
});
afterEach(() => registry.remove());

/** What came of the rows: 1 where the model that scores now gives more than the row's draw, so that it is calibrated. */
const LABELS = Array.from({ length: ROWS }, (_, row) =>
  answerOf(tinyModel(true), row) > (row * 0.618_034) % 1 ? 1 : 0,
);
function answerOf(model: TinyModel, row: number): number {
  return tinyAnswer(model, VECTORS.subarray(row * VECTOR_WIDTH, (row + 1) * VECTOR_WIDTH));
}

/** As the trainer measures a model, on these rows. */
const measured = (model: TinyModel): Manifest['metrics'] => {
  const pairs = LABELS.map((label, row) => ({ label, score: answerOf(model, row) }));
  return Object.fromEntries(
    Object.entries(metricsOf('churn', pairs)).map(([name, value]) => [
      name,
      { value, low: value, high: value },
    ]),
  );
};

const evaluation = (more: Partial<NonNullable<Manifest['evaluation']>> = {}): Partial<Manifest> => ({
  rows: { train: { rows: 9_000, customers: 900 }, validation: { rows: 900, customers: 90 } },
  evaluation: {
    archiveStart: '2025-01-01T00:00:00Z',
    classes: { positives: 300, negatives: 700 },
    holdOutSha256: '0'.repeat(64),
    strongestFeatures: [{ feature: 'last_login_days_ago', measure: 'auc', value: 0.9 }],
    fairness: {},
    champion: { version: v1, metrics: measured(tinyModel(true)) },
    ...more,
  },
});

const publish = (model: TinyModel, manifest: Partial<Manifest> = evaluation()): Promise<VerifiedArtifact> =>
  publishTiny(registry.place, 'churn', model, { ...manifest });

/** Judged as the nightly job does it; a look at the clock takes a quarter of a second. */
const gateSays = (model: TinyModel, manifest: Partial<Manifest>): Promise<Judged> => {
  const files = filesOf(model);
  const draft = draftOf('churn', files['model.onnx'], {
    ...evaluation(),
    metrics: measured(model),
    ...manifest,
  });
  let now = 0;
  const incumbent = { version: v1, incomparable: null };
  return judgeCandidate({ draft, files }, incumbent, {
    limits: { ...GATE_LIMITS, microsPerRow: 20 },
    clock: { now: () => (now += 250) },
    cpuMicros: () => performance.now() * 1_000,
  });
};

/** Processes that follow the registry, with what scored before as the measure. */
async function live(options: Parameters<typeof running>[1] = {}) {
  const { place } = registry;
  const source = new RegistrySource(
    { store: new DirectoryStore(place.directory), set: place.set, keys: place.keys },
    { explains: true, clock: { now: () => Date.UTC(2026, 1, 1) }, by: 'a test' },
  );
  const process = await running(source, options);
  const before = (await process.hot.scoreBatch(VECTORS, ROWS)).raw;
  return { ...process, source, before };
}

const negated = (model: TinyModel): TinyModel => ({
  ...model,
  base: -model.base!,
  stumps: model.stumps.map(stump => ({ ...stump, below: -stump.below, above: -stump.above })),
});
const NAN_ABOVE = overflowingAbove(4, 3.402_823e38);
/** Answers like the others, after very many comparisons that change nothing. */
const SLOW = tinyModel(true, {
  stumps: [
    ...tinyModel(true).stumps,
    ...Array.from({ length: 20_000 }, (_, at): Stump => ({
      feature: 3 + (at % (VECTOR_WIDTH - 3)),
      threshold: at,
      below: 0,
      above: 0,
    })),
  ],
});

describe('rolled back within its trial, the batch that showed it answered by the model before', () => {
  const cases: [string, () => TinyModel, string, RegExp][] = [
    ['turned round', () => negated(tinyModel(true)), 'reordered', /rank correlation -/],
    ['uncalibrated', () => tinyModel(true, { base: -3 }), 'shifted', /mean difference 0\.\d+ from/],
    ['slow', () => SLOW, 'slow', /µs a row, at most 20/],
  ];
  test.each(cases)('%s', async (_what, model, reason, words) => {
    const { hot, follower, events, before } = await live({ trial: { microsPerRow: 20 } });
    const { version } = (await publish(model())).manifest;
    await follower.look();
    expect(hot.versionOf('churn')).toBe(version);
    let last = await hot.scoreBatch(VECTORS, ROWS);
    for (let batch = 0; batch < 30 && hot.versionOf('churn') === version; batch++)
      last = await hot.scoreBatch(VECTORS, ROWS);
    expect(events.at(-1)).toMatchObject({ kind: 'rolledBack', version, previous: v1, reason });
    const rollback = events.at(-1) as { words: string; scoredForMs: number; tookMs: number };
    expect(rollback.words).toMatch(words);
    expect(rollback.scoredForMs).toBeGreaterThanOrEqual(0);
    expect(rollback.tookMs).toBeGreaterThan(0);
    expect(last.by.constants.models).toContainEqual({ name: 'churn', version: v1 });
    expect(last.raw).toEqual(before);
    hot.close();
  });

  test('NaN: in its first batch, and the registry is told', async () => {
    const { hot, follower, events } = await live({ movesPointers: true });
    const stumps = [...tinyModel(true).stumps, ...NAN_ABOVE];
    const { version } = (await publish(tinyModel(true, { stumps, overflowIsNaN: true }))).manifest;
    await follower.look();
    const poisoned = VECTORS.slice();
    poisoned[7 * VECTOR_WIDTH + 4] = Infinity;
    const { raw, by } = await hot.scoreBatch(poisoned, ROWS);
    expect(by.constants.models).toContainEqual({ name: 'churn', version: v1 });
    expect([...raw.churn].every(Number.isFinite)).toBe(true);
    expect(events.at(-1)).toMatchObject({
      kind: 'rolledBack',
      version,
      reason: 'output',
      words: expect.stringContaining('row 7 gave NaN') as string,
      tookMs: expect.any(Number) as number,
    });
    await follower.look();
    expect(await currentPointer(registry.place, 'churn')).toMatchObject({
      version: v1,
      withdrawn: [version],
    });
    const [line] = (await readAudit(new DirectoryStore(registry.place.directory), 'churn', 9)).slice(-1);
    expect(line).toMatchObject({ action: 'rollback', by: 'a test', version: v1, current: version });
    expect(line!.reason).toContain('row 7 gave NaN');
    hot.close();
  });
});

describe('refused by the gate before any pointer moves', () => {
  const refused: [string, () => TinyModel, () => Partial<Manifest>, string, RegExp][] = [
    ['turned round', () => negated(tinyModel(true)), () => ({}), 'comparison', /auc is 0\.[0-4]/],
    [
      'uncalibrated',
      () => tinyModel(true, { base: -3 }),
      () => ({}),
      'calibrationError',
      /calibration error is 0\.[1-9]/,
    ],
    [
      'trained with a leak',
      () => tinyModel(true, { base: 0.75 }),
      () =>
        evaluation({
          strongestFeatures: [{ feature: 'last_login_days_ago', measure: 'auc', value: 0.999 }],
        }),
      'leak',
      /last_login_days_ago alone has an AUC of 0\.999/,
    ],
    ['slow', () => SLOW, () => ({}), 'microsPerRow', /\d µs a row, at most 20/],
  ];
  test.each(refused)('%s', async (_what, model, manifest, check, words) => {
    const { decision, checks, reasons, seconds } = await gateSays(model(), manifest());
    expect([decision, seconds]).toEqual(['reject', 0.25]);
    expect(checks.filter(({ state }) => state === 'failed').map(one => one.check)).toContain(check);
    expect(reasons.join()).toMatch(words);
  });

  test('of another layout: it is no artifact', async () => {
    const layout = { fingerprint: '0'.repeat(64), width: VECTOR_WIDTH };
    const { decision, reasons, seconds } = await gateSays(tinyModel(true), { layout });
    expect([decision, seconds]).toEqual(['failed', 0.25]);
    expect(reasons.join()).toContain('layout');
  });

  test('and no other: what scores now would be promoted, by the same measure', async () => {
    expect(await gateSays(tinyModel(true), {})).toMatchObject({ decision: 'promote', reasons: [] });
  });
});

describe('refused by the loader; the current model goes on', () => {
  const broken: [string, () => void, string][] = [
    [
      'of another layout',
      () =>
        registry.reseal(manifest => {
          manifest['layout'] = { fingerprint: '0'.repeat(64), width: VECTOR_WIDTH };
        }),
      'layout-mismatch',
    ],
    ['signed with another key', () => registry.reseal(() => undefined, newSigningKey()), 'signer-unknown'],
    ['whose model was changed', () => registry.put('@/model.onnx', 'no model'), 'file-digest-mismatch'],
    ['that is not there', () => registry.drop('@'), 'version-missing'],
    [
      'that answers otherwise than the trainer says',
      () => registry.changeGolden(lines => lines.map(line => ({ ...line, y: Math.fround(line.y + 0.1) }))),
      'golden-mismatch',
    ],
  ];
  test.each(broken)('%s', async (_what, damage, code) => {
    const { hot, follower, events, time, before } = await live();
    registry.version = (await publish(tinyModel(true, { base: 0.75 }))).manifest.version;
    damage();
    for (let look = 0; look < 20; look++) {
      time.now += 1_000;
      await follower.look();
    }
    expect(events).toEqual([
      expect.objectContaining({ kind: 'refused', model: 'churn', version: registry.version, code }),
    ]);
    expect((events[0] as { tookMs: number }).tookMs).toBeGreaterThan(0);
    expect(hot.metrics.refusals[code]).toBeLessThan(6);
    expect(hot.metrics.behind).toEqual({ engagement: false, churn: true, ltv: false });
    const { raw, by } = await hot.scoreBatch(VECTORS, ROWS);
    expect(raw).toEqual(before);
    expect(by.constants.models).toContainEqual({ name: 'churn', version: v1 });
    hot.close();
  });
});

test('a good one is swapped in, proven, and says its name', async () => {
  const { hot, follower, events, before } = await live();
  const { version } = (await publish(tinyModel(true, { base: 0.75 }))).manifest;
  await follower.look();
  for (let batch = 0; batch < 30; batch++) await hot.scoreBatch(VECTORS, ROWS);
  expect(events.map(({ kind }) => kind)).toEqual(['swapped', 'proven']);
  const { raw, by } = await hot.scoreBatch(VECTORS, ROWS);
  expect(by.constants.models).toContainEqual({ name: 'churn', version });
  expect(raw.churn).not.toEqual(before.churn);
  expect(raw.ltv).toEqual(before.ltv);
  hot.close();
});
