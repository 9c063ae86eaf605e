/**
 * Every trained model as a candidate, judged against the one that scores now. A refusal is a result, no error, and the
 * candidate stays in the run folder: a person may sign it, compare it, let it shadow, or promote it against the gate.
 */
import type { Clock } from '../../processors/ports';
import { SECOND_MS } from '../../schemas';
import type { EpochMs } from '../../schemas';
import { ArtifactError } from '../../models';
import { judge } from '../../models/gate/gate';
import type { GateCheck, GateLimits } from '../../models/gate/gate';
import type { Incumbent } from '../../models/gate/comparison';
import { incumbentOf } from '../../models/gate/incumbent';
import { microsPerRow } from '../../models/onnx/latency';
import { loadVersion, seenPointer } from '../../models/registry/registry';
import type { StorePlace } from '../../models/registry/registry';
import { seal, sealedStore } from '../../models/registry/sealed';
import type { SealedVersion } from '../../models/registry/sealed';
import { newSigningKey } from '../../models/signing';
import { codeCommit } from '../baseline/code-commit';
import { candidateOf, dropCandidates, hasCandidate, writeCandidate } from './candidate';
import type { Candidate, TrainingRun } from './candidate';
import { sha256, readJson, writeJson } from './files';
import type { DatasetNote } from './join';
import type { RunFolder } from './run-folder';
import type { TrainNote } from './train';

export interface Judged {
  name: string;
  version: string;
  /** The version that scored then; null: none did. */
  champion: string | null;
  /** `failed`: it is no artifact at all, the reason is the error. */
  decision: 'promote' | 'reject' | 'failed';
  reasons: readonly string[];
  checks: readonly GateCheck[];
  /** It took the gate so long; left out in notes of before. */
  seconds?: number;
}

export interface GateNote {
  at: EpochMs;
  models: Judged[];
  /** Commit of the program that made the candidates. */
  codeCommit: string;
  inputs: string;
}

export interface GateRequest {
  run: RunFolder;
  place: StorePlace;
  limits: GateLimits;
  clock: Pick<Clock, 'now'>;
  cpuMicros: () => number;
}

export function trainingRunOf(run: RunFolder, set: string, commit: string): TrainingRun {
  const { range, sides } = run.require<DatasetNote>('dataset.json', 'dataset');
  const { words } = run.plan().source;
  return { trained: run.at('trained'), set, range, sides, source: words, codeCommit: commit };
}

const trainedIn = (run: RunFolder): TrainNote => run.require<TrainNote>('trained/train.json', 'train');

const inputsOf = ({ inputs, champions }: TrainNote, set: string, limits: GateLimits): string =>
  sha256(JSON.stringify([inputs, champions, set, limits]));

/** Null: not judged, or another training, or with other limits, or a candidate is gone. */
export function gateDone({ run, place, limits }: GateRequest): GateNote | null {
  const note = readJson<GateNote>(run.at('gate.json'));
  if (note?.inputs !== inputsOf(trainedIn(run), place.set, limits)) return null;
  const isWhole = note.models.every(({ name, decision }) => decision === 'failed' || hasCandidate(run, name));
  return isWhole ? note : null;
}

/** @throws BackfillError step-missing */
export async function judgeAll(request: GateRequest): Promise<GateNote> {
  const { run, place, limits, clock } = request;
  const now = clock.now();
  const trained = trainedIn(run);
  const commit = codeCommit();
  const models: Judged[] = [];
  dropCandidates(run);
  for (const { name } of trained.models) models.push(await judgeOne(name, commit, request));
  const note = { at: now, models, codeCommit: commit, inputs: inputsOf(trained, place.set, limits) };
  writeJson(run.at('gate.json'), note);
  return note;
}

async function judgeOne(name: string, commit: string, request: GateRequest): Promise<Judged> {
  const { run, place } = request;
  const pointer = (await seenPointer(place, name))?.pointer ?? null;
  const incumbent = pointer && (await incumbentOf(place, name, pointer.version, pointer.manifestSha256));
  const candidate = candidateOf(trainingRunOf(run, place.set, commit), name);
  return judgeCandidate(candidate, incumbent, request, sealed => writeCandidate(run, sealed));
}

/** `incumbent`: what scores now, null when nothing does. `keep` is given what can be loaded, whatever the verdict. */
export async function judgeCandidate(
  { draft, files }: Candidate,
  incumbent: Incumbent | null,
  { limits, clock, cpuMicros }: Pick<GateRequest, 'limits' | 'clock' | 'cpuMicros'>,
  keep: (sealed: SealedVersion) => void = () => undefined,
): Promise<Judged> {
  const { name, version, set } = draft;
  const startedAt = clock.now();
  const judged = (verdict: Pick<Judged, 'decision' | 'reasons' | 'checks'>): Judged => ({
    ...{ name, version, champion: incumbent?.version ?? null, ...verdict },
    seconds: (clock.now() - startedAt) / SECOND_MS,
  });
  try {
    // With a key of its own: nobody signs what the gate has not seen.
    const key = newSigningKey();
    const keys = [{ publicKey: key.publicKey, sets: [set] }];
    const sealed = seal(draft, files, key);
    const artifact = await loadVersion({ store: sealedStore(sealed), set, keys }, name, version, null);
    keep(sealed);
    const challenger = { manifest: artifact.manifest, microsPerRow: await microsPerRow(artifact, cpuMicros) };
    return judged(judge(challenger, incumbent, limits));
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    return judged({ decision: 'failed', reasons: [error.message], checks: [] });
  }
}
