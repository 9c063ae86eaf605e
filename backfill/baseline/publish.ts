/** From the trainer's files to a signed artifact in a registry. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EpochMs } from '../../schemas';
import { VECTOR_WIDTH } from '../../processors/core';
import { BASELINE_SET, LAYOUT_FINGERPRINT } from '../../models';
import { OnnxModel } from '../../models/onnx/session';
import { CONTRACT_VERSION } from '../../models/registry/manifest';
import type { ArtifactFiles } from '../../models/registry/manifest';
import { publishArtifact, versionOf } from '../../models/registry/publish';
import type { ManifestDraft } from '../../models/registry/publish';
import type { RegistryPlace, VerifiedArtifact } from '../../models/registry/registry';
import type { SigningKey } from '../../models/signing';
import type { ArchiveRange, DatasetSummary } from '../dataset';
import { modelCard } from './card';
import { readReport, trainerDirectory } from './trainer';
import type { TrainerReport } from './trainer';

export interface TrainingRun {
  /** Output folder of the trainer. */
  trained: string;
  range: ArchiveRange;
  sides: DatasetSummary['sides'];
  /** Where the history came from, in words. */
  source: string;
  codeCommit: string;
}

const instant = (at: EpochMs): string => new Date(at).toISOString();

/** HEAD, or `unknown` when what was run is not what was committed. */
export function codeCommit(): string {
  const git = (...parameters: string[]): string =>
    execFileSync('git', parameters, {
      cwd: trainerDirectory(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  try {
    const changed = git(
      'status',
      '--porcelain',
      '--',
      '../../schemas',
      '../../processors',
      '../../backfill',
    ).trim();
    return changed === '' ? git('rev-parse', 'HEAD').trim() : 'unknown';
  } catch {
    return 'unknown';
  }
}

function draftOf(run: TrainingRun, report: TrainerReport, onnx: Uint8Array): ManifestDraft {
  const { training } = run.sides[report.model]!;
  return {
    contract: CONTRACT_VERSION,
    set: BASELINE_SET,
    name: report.model,
    version: versionOf(run.range.endAt, onnx),
    layout: { fingerprint: LAYOUT_FINGERPRINT, width: VECTOR_WIDTH },
    input: { name: report.input, shape: [null, VECTOR_WIDTH] },
    output: {
      name: report.output,
      shape: [null, 1],
      range: { min: 0, max: report.model === 'ltv' ? null : 1 },
    },
    trainingRange: {
      from: instant(training.from),
      until: instant(training.until),
      archiveEnd: instant(run.range.endAt),
      source: run.source,
    },
    rows: report.rows,
    metrics: report.metrics,
    parameters: report.parameters,
    codeCommit: run.codeCommit,
    seed: report.seed,
    normalisation: report.normalisation,
    quantiles: report.quantiles,
  };
}

/** Signs and publishes one model; the runtime has replayed its golden vectors before the pointer moves. */
export function publishModel(
  place: RegistryPlace,
  run: TrainingRun,
  model: string,
  key: SigningKey,
): Promise<VerifiedArtifact> {
  const report = readReport(run.trained, model);
  const read = (file: string): Uint8Array => readFileSync(join(run.trained, model, file));
  const onnx = read('model.onnx');
  const draft = draftOf(run, report, onnx);
  const files: ArtifactFiles = {
    'model.onnx': onnx,
    'golden.jsonl': read('golden.jsonl'),
    'trees.json': read('trees.json'),
    'card.md': Buffer.from(modelCard(report, draft)),
  };
  const replayed = async (artifact: VerifiedArtifact): Promise<void> =>
    (await OnnxModel.open(artifact)).release();
  return publishArtifact(place, draft, files, key, replayed, {
    at: run.range.endAt,
    by: 'make baseline',
    reason: 'a demonstration model, fitted again',
  });
}
