/** Small signed artifacts for tests: three models over the real layout, published into a folder. */
import { FEATURE_NAMES, VECTOR_WIDTH } from '../../processors/core';
import { LAYOUT_FINGERPRINT } from '../layout';
import type { Tree, TreeModel } from '../explain/trees';
import type { GateLimits } from '../gate/gate';
import type { ArtifactFiles, Normalisation } from '../registry/manifest';
import { CONTRACT_VERSION } from '../registry/manifest';
import type { Decision } from '../registry/audit';
import { publishArtifact, versionOf } from '../registry/publish';
import type { ManifestDraft } from '../registry/publish';
import type { FolderPlace, RegistryPlace, VerifiedArtifact } from '../registry/registry';
import { newSigningKey } from '../signing';
import type { SigningKey } from '../signing';
import { tinyAnswer, tinyOnnx } from './tiny-onnx';
import type { TinyModel } from './tiny-onnx';

export const TEST_SET = 'test';
const ARCHIVE_END = Date.UTC(2026, 0, 1);
const quantiles = (values: number): number[] => new Array<number>(values).fill(0);

/** Three stumps over the first features; enough to tell rows apart. */
export const tinyModel = (logistic: boolean, more: Partial<TinyModel> = {}): TinyModel => ({
  width: VECTOR_WIDTH,
  logistic,
  base: 0.5,
  stumps: [
    { feature: 0, threshold: 2.5, below: 0.25, above: 1.5 },
    { feature: 1, threshold: 10, below: 0.125, above: 2 },
    { feature: 2, threshold: 0.1, below: -0.5, above: 0.75 },
  ],
  ...more,
});

/** Rows around every threshold, with NaN and extremes. */
export function tinyVectors(rows: number): Float32Array {
  const values = [NaN, -1, 0, Math.fround(0.1), 2.5, 10, 3.4e38, -3.4e38, 7.25, 1e-30];
  return Float32Array.from({ length: rows * VECTOR_WIDTH }, (_value, index) => {
    const row = Math.floor(index / VECTOR_WIDTH);
    const feature = index % VECTOR_WIDTH;
    return values[(row * 3 + feature * 7 + Math.floor(row / 10)) % values.length]!;
  });
}

export function goldenOf(model: TinyModel, rows = 60): string {
  const vectors = tinyVectors(rows);
  const lines = Array.from({ length: rows }, (_row, row) => {
    const x = vectors.subarray(row * VECTOR_WIDTH, (row + 1) * VECTOR_WIDTH);
    const values = Array.from(x, value => (Number.isNaN(value) ? null : value));
    return JSON.stringify({ x: values, y: tinyAnswer(model, x) });
  });
  return `${lines.join('\n')}\n`;
}

/** The stumps of a logistic model as trees.json says them, three quarters of the training rows below each. */
export const treesOf = (name: string, model: TinyModel): TreeModel => ({
  model: name,
  link: 'logistic',
  scale: 1,
  offset: 0,
  base: model.base ?? 0,
  features: [...FEATURE_NAMES],
  trees: model.stumps.map(({ feature, threshold, below, above }): Tree => ({
    feature: [feature, -1, -1],
    threshold: [Math.fround(threshold), 0, 0],
    yes: [1, -1, -1],
    no: [2, -1, -1],
    missing: [1, -1, -1],
    value: [0, below, above],
    cover: [400, 300, 100],
  })),
});

/** Without trees.json and pictures. */
export const filesOf = (model: TinyModel): ArtifactFiles => ({
  'model.onnx': tinyOnnx(model),
  'golden.jsonl': Buffer.from(goldenOf(model)),
  'card.md': Buffer.from('# A model for tests\n'),
});

/** A card that shows pictures, and the pictures. */
export const illustrated = (): Pick<ArtifactFiles, 'card.md' | 'calibration.svg' | 'lift.svg'> => ({
  'card.md': Buffer.from('# Pictures\n![Calibration](calibration.svg)\n![Gain](lift.svg)\n'),
  'calibration.svg': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>\n'),
  'lift.svg': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" role="img"/>\n'),
});

/** What a card refers to beside itself: targets of links and pictures that are no address. */
export const relativeLinks = (card: string): string[] =>
  [...card.matchAll(/\]\(([^)\s]+)\)/g)].map(match => match[1]!).filter(link => !/^[a-z]+:|^#/.test(link));

export const NORMALISATION: Normalisation = {
  rfm: {
    daysSinceLastOrder: { min: 0, max: 100 },
    ordersLifetime: { min: 0, max: 10 },
    sessionsLast30Days: { min: 0, max: 20 },
    lnRevenueLifetime: { min: 0, max: 8 },
  },
  vipLtvMinor: 100_000,
};

export const draftOf = (
  name: string,
  onnx: Uint8Array,
  more: Partial<ManifestDraft> = {},
): ManifestDraft => ({
  contract: CONTRACT_VERSION,
  set: TEST_SET,
  name,
  version: versionOf(ARCHIVE_END, onnx),
  layout: { fingerprint: LAYOUT_FINGERPRINT, width: VECTOR_WIDTH },
  input: { name: 'features', shape: [null, VECTOR_WIDTH] },
  output: { name: 'score', shape: [null, 1], range: { min: 0, max: name === 'ltv' ? null : 1 } },
  trainingRange: {
    from: '2025-01-01T00:00:00Z',
    until: '2025-12-01T00:00:00Z',
    archiveEnd: '2026-01-01T00:00:00Z',
    source: 'nothing: written by hand for tests',
  },
  rows: { train: { rows: 1, customers: 1 }, validation: { rows: 1, customers: 1 } },
  metrics: { auc: { value: 0.5, low: 0.4, high: 0.6 } },
  parameters: { trees: 3 },
  codeCommit: 'unknown',
  seed: 1,
  normalisation: name === 'ltv' ? NORMALISATION : null,
  quantiles: { score: quantiles(21), features: {} },
  ...more,
});

export interface TestRegistry extends FolderPlace {
  key: SigningKey;
}

export function emptyRegistry(directory: string): TestRegistry {
  const key = newSigningKey();
  return { directory, set: TEST_SET, key, keys: [{ publicKey: key.publicKey, sets: [TEST_SET] }] };
}

/** The gate's default limits. */
export const GATE_LIMITS: GateLimits = {
  customers: 500,
  historyDays: 180,
  eachClass: 50,
  tolerance: 0.01,
  calibrationError: 0.05,
  featureAuc: 0.98,
  featureR2: 0.95,
  selectionRatio: 0.8,
  equalizedOddsDifference: 0.1,
  groupCalibrationError: 0.05,
  fairnessChance: 0.01,
  proxyAuc: 0.9,
  bytes: 8 << 20,
  microsPerRow: 50,
};

export const accept = async (): Promise<void> => undefined;
export const DECISION: Decision = { at: ARCHIVE_END, by: 'a test' };

export const publishTiny = (
  place: RegistryPlace & { key: SigningKey },
  name: string,
  model = tinyModel(name !== 'ltv'),
  more: Partial<ManifestDraft> = {},
  trees?: string,
): Promise<VerifiedArtifact> => {
  const files = filesOf(model);
  if (trees !== undefined) files['trees.json'] = Buffer.from(trees);
  const draft = draftOf(name, files['model.onnx'], more);
  return publishArtifact(place, draft, files, place.key, accept, DECISION);
};
