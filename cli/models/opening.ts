/** What a process that starts scores with, and what it tries that beside. */
import { isStillAt } from '../../processors/swap';
import type {
  FollowerEvent,
  ModelSource,
  OpenedModel,
  Pointed,
  RememberedModels,
  Rollback,
} from '../../processors/swap';

export interface OpenedAtStart {
  pointers: Map<string, Pointed>;
  models: OpenedModel[];
  /** The proven versions of models that scored nowhere yet, to be compared with. */
  beside: OpenedModel[];
}

interface Opening {
  source: ModelSource;
  remembered: RememberedModels;
  /** false: nothing is ever on trial. */
  hasTrials: boolean;
  nowMicros: () => number;
  onEvent: (event: FollowerEvent) => void;
}

/**
 * What the pointers say, or the version before where that may not score; of a version that became current while nobody
 * looked, the proven one too. Throws when neither may score, and when the registry falls silent.
 */
export async function openAtStart(opening: Opening): Promise<OpenedAtStart> {
  const opened: OpenedAtStart = { pointers: new Map(), models: [], beside: [] };
  try {
    for (const name of opening.source.names) {
      const pointed = await opening.source.champion(name);
      opened.pointers.set(name, pointed);
      const known = opening.remembered.rollbacks.find(one => one.model === name && isStillAt(one, pointed));
      const instead = known === undefined ? null : await openInstead(opening, known);
      const model = instead ?? (await openOrPrevious(opening, name, pointed));
      opened.models.push(model);
      const proven = instead === null ? await openProven(opening, model, pointed) : null;
      if (proven !== null) opened.beside.push(proven);
    }
  } catch (error) {
    await Promise.all([...opened.models, ...opened.beside].map(model => model.release()));
    throw error;
  }
  return opened;
}

/** What scores since a rollback; null where it cannot be opened any more. */
async function openInstead(
  { source, onEvent }: Opening,
  { model, version, previous, words }: Rollback,
): Promise<OpenedModel | null> {
  const opened = await source.open(model, previous, null).catch(() => null);
  if (opened !== null) onEvent({ kind: 'stillRolledBack', model, version, previous, words });
  return opened;
}

async function openOrPrevious(
  { source, nowMicros, onEvent }: Opening,
  name: string,
  { version, digest, previous }: Pointed,
): Promise<OpenedModel> {
  const startedAt = nowMicros();
  try {
    return await source.open(name, version, digest);
  } catch (error) {
    const tookMs = (nowMicros() - startedAt) / 1_000;
    const older = previous === null ? null : await source.open(name, previous, null).catch(() => null);
    if (older === null) throw error;
    const { code = 'unexpected', message } = error as Error & { code?: string };
    onEvent({ kind: 'refused', role: 'champion', model: name, version, code, words: message, tookMs });
    return older;
  }
}

/** Null: it needs no trial, or there is nothing left to try it beside. */
async function openProven(
  { source, remembered, hasTrials, onEvent }: Opening,
  { name: model, version }: OpenedModel,
  { withdrawn = [] }: Pointed,
): Promise<OpenedModel | null> {
  const proven = remembered.proven.get(model);
  // Beside what was taken back it would go back itself when the two differ.
  if (!hasTrials || proven === undefined || proven === version || withdrawn.includes(proven)) return null;
  try {
    const opened = await source.open(model, proven, null);
    onEvent({ kind: 'startsOnTrial', model, version, proven });
    return opened;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    // It may be there in a moment: whoever supervises this process starts it again.
    if (code === 'registry-unreachable') throw error;
    onEvent({ kind: 'untried', model, version, proven, words: message });
    return null;
  }
}
