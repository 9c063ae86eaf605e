/** What the gate lets through is signed, uploaded, verified and made current; what it refuses is written down. */
import type { EpochMs } from '../../schemas';
import { ArtifactError } from '../../models';
import { writeAudit } from '../../models/registry/audit';
import type { Decision } from '../../models/registry/audit';
import { publishArtifact } from '../../models/registry/publish';
import type { Accept } from '../../models/registry/publish';
import { seenPointer } from '../../models/registry/registry';
import type { StorePlace } from '../../models/registry/registry';
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
  /** Why not, or that it scores now. */
  reason: string;
  /** It was refused by an error, not by the gate. */
  failed: boolean;
}

export interface PublishNote {
  at: EpochMs;
  models: Published[];
  inputs: string;
}

export interface PublishRequest {
  run: RunFolder;
  place: StorePlace;
  key: SigningKey;
  /** For the audit. */
  by: string;
  /** The runtime's golden replay. */
  accept: Accept;
}

const judgedIn = (run: RunFolder): GateNote => run.require<GateNote>('gate.json', 'gate');
const inputsOf = (note: GateNote): string => sha256(JSON.stringify(note));

/** Null: not published, not all of it, or of another judgement. */
export function publishDone(run: RunFolder): PublishNote | null {
  const note = readJson<PublishNote>(run.at('publish.json'));
  if (note === null || note.inputs !== inputsOf(judgedIn(run))) return null;
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
  const note = { at: judgement.at, models, inputs: inputsOf(judgement) };
  writeJson(request.run.at('publish.json'), note);
  return note;
}

async function publishOne(judged: Judged, judgement: GateNote, request: PublishRequest): Promise<Published> {
  const { name, version, decision, reasons } = judged;
  const kept = { name, version, promoted: false };
  if (decision === 'failed') return { ...kept, reason: reasons.join('; '), failed: true };
  try {
    if (decision === 'reject') {
      await recordRefusal(judged, judgement, request);
      return { ...kept, reason: reasons.join('; '), failed: false };
    }
    const reason = await makeCurrent(judged, judgement, request);
    return { ...kept, promoted: reason === null, reason: reason ?? 'current', failed: false };
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

/** Null where it scores now; else why not. @throws ArtifactError */
async function makeCurrent(
  judged: Judged,
  judgement: GateNote,
  request: PublishRequest,
): Promise<string | null> {
  const { run, place, key, accept } = request;
  const { name, version, champion } = judged;
  const current = (await seenPointer(place, name))?.pointer.version ?? null;
  if (current !== champion && current !== version)
    return `the gate compared it with ${champion ?? 'no model'}, and ${current ?? 'no model'} scores now: train and judge it again with --again`;
  const { draft, files } = candidateOf(trainingRunOf(run, place.set, judgement.codeCommit), name);
  await publishArtifact(place, draft, files, key, accept, decisionOf(judged, judgement, request));
  return null;
}
