/** The models of a process that scores live: opened, followed in the registry, rolled back, shadowed. */
import type { ScoringConstants } from '../../processors/core';
import type { Scorer } from '../../processors/ports';
import { HotScorer, ModelFollower, isStillAt } from '../../processors/swap';
import type {
  FollowerEvent,
  ModelSource,
  OpenedModel,
  Pointed,
  Rollback,
  RollbackMemory,
  SwapEvent,
  SwapMetrics,
} from '../../processors/swap';
import { MINUTE_MS, SECOND_MS } from '../../schemas';
import type { Io } from '../io';
import { laneScorer } from '../lanes';
import type { Settings } from '../settings';
import { modelsPlace } from './registry';
import { sentenceOf } from './swap-words';

export interface LiveModels {
  scorer: Scorer;
  /** Null: they never change. */
  metrics: (() => SwapMetrics) | null;
  /** What everybody is to be scored by; null while that is on trial. */
  wanted: () => ScoringConstants | null;
  /** Looks at the registry until the signal says stop. Never rejects. */
  follow: (signal: AbortSignal) => Promise<void>;
  /** Looks once, now. Never rejects. */
  look: () => Promise<void>;
  close: () => Promise<void>;
}

/** Opens the current version of every model. Throws `ArtifactError`, `CliError` (models-trust). */
export async function openLiveModels(
  io: Io,
  settings: Settings,
  by: string,
  onNote: (line: string) => void,
  memory?: RollbackMemory,
): Promise<LiveModels> {
  if (io.openModelSource === undefined) return fixedModels(io, settings);
  const source = io.openModelSource({
    ...modelsPlace(io, settings),
    explains: settings['publish.reasons'] === 'on',
    clock: io.clock,
    by,
  });
  const stays = settings['models.rollback'] === 'process';
  try {
    return await hotModels(io, settings, source, memory, event => onNote(sentenceOf(event, stays)));
  } catch (error) {
    source.close();
    throw error;
  }
}

async function fixedModels(io: Io, settings: Settings): Promise<LiveModels> {
  const scorer = await laneScorer(io, settings);
  return {
    scorer,
    metrics: null,
    wanted: () => scorer.constants,
    follow: () => Promise.resolve(),
    look: () => Promise.resolve(),
    close: () => scorer.release(),
  };
}

async function hotModels(
  { clock }: Io,
  settings: Settings,
  source: ModelSource,
  memory: RollbackMemory | undefined,
  onEvent: (event: SwapEvent | FollowerEvent) => void,
): Promise<LiveModels> {
  const rollbacks = (await memory?.recall()) ?? [];
  const nowMicros = (): number => performance.now() * 1_000;
  const { pointers, models } = await openCurrent(source, rollbacks, nowMicros, onEvent);
  const hot: HotScorer = new HotScorer(models, {
    source,
    now: () => clock.now(),
    nowMicros,
    ...limitsOf(settings),
    openPrevious: async (name, version) => {
      const previous = follower.previousOf(name, version);
      return previous === null ? null : source.open(name, previous, null);
    },
    onEvent: event => {
      if (event.kind === 'rolledBack') follower.noteRollback(event);
      onEvent(event);
    },
  });
  const everyMs = settings['models.pollSeconds'] * SECOND_MS;
  const movesPointers = settings['models.rollback'] === 'registry';
  const options = { source, clock, nowMicros, everyMs, movesPointers, onEvent };
  const follower = new ModelFollower(hot, { ...options, ...(memory === undefined ? {} : { memory }) });
  follower.begin(pointers, rollbacks);
  return {
    scorer: hot,
    metrics: () => hot.metrics,
    wanted: () => hot.provenConstants,
    follow: signal => (everyMs === 0 ? Promise.resolve() : follower.run(signal)),
    look: () => follower.look(),
    close: () => {
      hot.close();
      source.close();
      return Promise.resolve();
    },
  };
}

const limitsOf = (settings: Settings) => ({
  trial: {
    forMs: settings['models.trialMinutes'] * MINUTE_MS,
    rows: settings['models.trialRows'],
    microsPerRow: settings['models.trialMicrosPerRow'],
    difference: settings['models.trialDifference'],
    order: settings['models.trialOrder'],
  },
  shadow: {
    difference: settings['models.shadowDifference'],
    microsPerRow: settings['models.trialMicrosPerRow'],
  },
});

/** What the pointers say, or the version before where that may not score. Throws when neither may. */
async function openCurrent(
  source: ModelSource,
  rollbacks: readonly Rollback[],
  nowMicros: () => number,
  onEvent: (event: FollowerEvent) => void,
): Promise<{ pointers: Map<string, Pointed>; models: OpenedModel[] }> {
  const pointers = new Map<string, Pointed>();
  const models: OpenedModel[] = [];
  try {
    for (const name of source.names) {
      const pointed = await source.champion(name);
      pointers.set(name, pointed);
      const known = rollbacks.find(one => one.model === name && isStillAt(one, pointed));
      const opened = known === undefined ? null : await openInstead(source, known, onEvent);
      models.push(opened ?? (await openOrPrevious(source, name, pointed, nowMicros, onEvent)));
    }
  } catch (error) {
    await Promise.all(models.map(model => model.release()));
    throw error;
  }
  return { pointers, models };
}

/** What scores since a rollback; null where it cannot be opened any more. */
async function openInstead(
  source: ModelSource,
  { model, version, previous, words }: Rollback,
  onEvent: (event: FollowerEvent) => void,
): Promise<OpenedModel | null> {
  const opened = await source.open(model, previous, null).catch(() => null);
  if (opened !== null) onEvent({ kind: 'stillRolledBack', model, version, previous, words });
  return opened;
}

async function openOrPrevious(
  source: ModelSource,
  name: string,
  { version, digest, previous }: Pointed,
  nowMicros: () => number,
  onEvent: (event: FollowerEvent) => void,
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
