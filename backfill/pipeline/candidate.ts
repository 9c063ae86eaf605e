/** From the trainer's files to an artifact that could be signed, and to a folder that a person can sign. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EpochMs } from '../../schemas';
import { VECTOR_WIDTH } from '../../processors/core';
import { LAYOUT_FINGERPRINT } from '../../models';
import { CONTRACT_VERSION } from '../../models/registry/manifest';
import type { ArtifactFiles } from '../../models/registry/manifest';
import { versionOf } from '../../models/registry/publish';
import type { ManifestDraft } from '../../models/registry/publish';
import { presentFiles } from '../../models/registry/sealed';
import type { SealedVersion } from '../../models/registry/sealed';
import type { ArchiveRange, DatasetSummary } from '../dataset';
import { readReport } from '../baseline/trainer';
import type { TrainerReport } from '../baseline/trainer';
import { writeWhole } from './files';
import type { RunFolder } from './run-folder';

export interface TrainingRun {
  /** Output folder of the trainer. */
  trained: string;
  /** Set of artifacts that it is for. */
  set: string;
  range: ArchiveRange;
  sides: DatasetSummary['sides'];
  /** Where the history came from, in words. */
  source: string;
  codeCommit: string;
}

/** A family without trees explains nothing; earlier trainers kept the card's pictures to themselves. */
const OPTIONAL = ['trees.json', 'calibration.svg', 'lift.svg'] as const;

const instant = (at: EpochMs): string => new Date(at).toISOString();

function draftOf(run: TrainingRun, report: TrainerReport, onnx: Uint8Array): ManifestDraft {
  const { training } = run.sides[report.model]!;
  return {
    contract: CONTRACT_VERSION,
    set: run.set,
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
    evaluation: report.evaluation,
    parameters: report.parameters,
    codeCommit: run.codeCommit,
    seed: report.seed,
    normalisation: report.normalisation,
    quantiles: report.quantiles,
  };
}

/** What could be signed. */
export interface Candidate {
  draft: ManifestDraft;
  files: ArtifactFiles;
}

/** The same training gives the same candidate, version included. */
export function candidateOf(run: TrainingRun, model: string): Candidate {
  const report = readReport(run.trained, model);
  const at = (file: string): string => join(run.trained, model, file);
  const onnx = readFileSync(at('model.onnx'));
  const draft = draftOf(run, report, onnx);
  const files: ArtifactFiles = {
    'model.onnx': onnx,
    'golden.jsonl': readFileSync(at('golden.jsonl')),
    'card.md': readFileSync(at('card.md')),
  };
  for (const file of OPTIONAL) if (existsSync(at(file))) files[file] = readFileSync(at(file));
  return { draft, files };
}

const CANDIDATES = 'candidates';

export const dropCandidates = (run: RunFolder): void =>
  rmSync(run.at(CANDIDATES), { recursive: true, force: true });

/** `candidates/NAME/`, as `rescore models sign` takes it: without a signature, as nobody has decided yet. */
export function writeCandidate(run: RunFolder, { name, manifest, files }: SealedVersion): void {
  const at = (file: string): string => run.at(CANDIDATES, name, file);
  for (const [file, bytes] of presentFiles(files)) writeWhole(at(file), bytes);
  // Last: a folder with a manifest is whole.
  writeWhole(at('manifest.json'), manifest);
}

export const hasCandidate = (run: RunFolder, name: string): boolean =>
  existsSync(run.at(CANDIDATES, name, 'manifest.json'));
