/**
 * What the gate lets through is signed, uploaded, verified, and made current or the shadow of the current one; what it
 * refuses is written down.
 */
import type { EpochMs } from '../../schemas';
import { ArtifactError } from '../../models';
import { writeAudit } from '../../models/registry/audit';
import type { Decision } from '../../models/registry/audit';
import { bringIn, publishArtifact } from '../../models/registry/publish';
import type { Accept } from '../../models/registry/publish';
import { seenPointer } from '../../models/registry/registry';
import type { StorePlace } from '../../models/registry/registry';
import { seal } from '../../models/registry/sealed';
import { setShadow, shadowPointer } from '../../models/registry/shadow-pointer';
import type { SigningKey } from '../../models/signing';
import { candidateOf } from './candidate';
import { sha256, readJson, writeJson } from './files';
import { trainingRunOf } from './gate';
import type { GateNote, Judged } from './gate';
import type { RunFolder } from './run-folder';

export interface Published {
  name: string;
  version: string;
  promoted: boolean;
  /** It answers beside the version that scores, and nothing of it is published. */
  shadows: boolean;
  /** Why it does not score, or that it does. */
  reason: string;
  /** It was refused by an error, not by the gate. */
  failed: boolean;
}

export interface PublishNote {
  at: EpochMs;
  models: Published[];
  inputs: string;
}

/** What becomes of a version that the gate lets through. */
export type PublishAs = 'current' | 'shadow';

export interface PublishRequest {
  run: RunFolder;
  as: PublishAs;
  place: StorePlace;
  key: SigningKey;
  /** For the audit. */
  by: string;
  /** The runtime's golden replay. */
  accept: Accept;
}

const judgedIn = (run: RunFolder): GateNote => run.require<GateNote>('gate.json', 'gate');
const inputsOf = (note: GateNote, as: PublishAs): string => sha256(JSON.stringify([note, as]));

/** Null: not published, not all of it, otherwise, or of another judgement. */
export function publishDone(run: RunFolder, as: PublishAs): PublishNote | null {
  const note = readJson<PublishNote>(run.at('publish.json'));
  if (note === null || note.inputs !== inputsOf(judgedIn(run), as)) return null;
  return note.models.some(({ failed }) => failed) ? null : note;
}

/**
 * Model by model; one that fails does not keep the others. Decisions are dated by the gate, so publishing again after a
 * crash leaves no second line in the audit.
 * @throws BackfillError step-missing
 */
export async function publishAll(request: PublishRequest): Promise<PublishNote> {
  const judgement = judgedIn(request.run);
  const models: Published[] = [];
  for (const judged of judgement.models) models.push(await publishOne(judged, judgement, request));
  const note = { at: judgement.at, models, inputs: inputsOf(judgement, request.as) };
  writeJson(request.run.at('publish.json'), note);
  return note;
}

async function publishOne(judged: Judged, judgement: GateNote, request: PublishRequest): Promise<Published> {
  const { name, version, decision, reasons } = judged;
  const kept = { name, version, promoted: false, shadows: false };
  if (decision === 'failed') return { ...kept, reason: reasons.join('; '), failed: true };
  try {
    if (decision === 'reject') {
      await recordRefusal(judged, judgement, request);
      return { ...kept, reason: reasons.join('; '), failed: false };
    }
    return { ...kept, ...(await bring(judged, judgement, request)), failed: false };
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    return { ...kept, reason: error.message, failed: true };
  }
}

const decisionOf = ({ checks }: Judged, { at }: GateNote, { by, run }: PublishRequest): Decision => ({
  at,
  by,
  reason: `backfill ${run.plan().id}`,
  checks,
});

async function recordRefusal(judged: Judged, judgement: GateNote, request: PublishRequest): Promise<void> {
  const { name, version, champion } = judged;
  const decided = { name, action: 'reject', version, current: champion, sequence: null } as const;
  await writeAudit(request.place.store, decided, decisionOf(judged, judgement, request));
}

type Brought = Pick<Published, 'reason'> & Partial<Pick<Published, 'promoted' | 'shadows'>>;

/** @throws ArtifactError */
async function bring(judged: Judged, judgement: GateNote, request: PublishRequest): Promise<Brought> {
  const { place, as } = request;
  const { name, version, champion } = judged;
  const seen = await seenPointer(place, name);
  const current = seen?.pointer.version ?? null;
  if (current !== champion && current !== version)
    return {
      reason: `the gate compared it with ${champion ?? 'no model'}, and ${current ?? 'no model'} scores now: train and judge it again with --again`,
    };
  // The first model of a name has nobody to stand beside.
  if (as === 'current' || current === null || current === version) {
    await makeCurrent(judged, judgement, request);
    return { promoted: true, reason: 'current' };
  }
  if (seen?.pointer.withdrawn?.includes(version) === true)
    throw new ArtifactError('version-withdrawn', `${name}/${version}`, 'it scored, and was taken back');
  await makeShadow(judged, judgement, request);
  return {
    shadows: true,
    reason: `it shadows ${current}; \`rescore models promote ${name} ${version}\` lets it score`,
  };
}

async function makeCurrent(judged: Judged, judgement: GateNote, request: PublishRequest): Promise<void> {
  const { place, key, accept } = request;
  const { draft, files } = candidateIn(judged, judgement, request);
  await publishArtifact(place, draft, files, key, accept, decisionOf(judged, judgement, request));
}

async function makeShadow(judged: Judged, judgement: GateNote, request: PublishRequest): Promise<void> {
  const { place, key, accept } = request;
  const { name, version } = judged;
  const { draft, files } = candidateIn(judged, judgement, request);
  await bringIn(place, seal(draft, files, key), accept);
  const before = await shadowPointer(place, name).catch(() => null);
  // Set anew, every processor would begin to compare from nothing.
  if (before?.version !== version) await setShadow(place, name, version, accept);
}

const candidateIn = ({ name }: Judged, { codeCommit }: GateNote, { run, place }: PublishRequest) =>
  candidateOf(trainingRunOf(run, place.set, codeCommit), name);
