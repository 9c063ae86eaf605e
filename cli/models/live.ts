/** The models of a process that scores live: opened, followed in the registry, rolled back, shadowed. */
import type { ScoringConstants } from '../../processors/core';
import type { Scorer } from '../../processors/ports';
import { HotScorer, ModelFollower } from '../../processors/swap';
import type { FollowerEvent, ModelMemory, ModelSource, SwapEvent, SwapMetrics } from '../../processors/swap';
import { MINUTE_MS, SECOND_MS } from '../../schemas';
import type { Io } from '../io';
import { laneScorer } from '../lanes';
import type { Settings } from '../settings';
import { openAtStart } from './opening';
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
  memory?: ModelMemory,
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
  memory: ModelMemory | undefined,
  onEvent: (event: SwapEvent | FollowerEvent) => void,
): Promise<LiveModels> {
  const remembered = (await memory?.recall()) ?? { rollbacks: [], proven: new Map<string, string>() };
  const limits = limitsOf(settings);
  const hasTrials = limits.trial.forMs > 0;
  const nowMicros = (): number => performance.now() * 1_000;
  const opening = { source, remembered, hasTrials, nowMicros, onEvent };
  const { pointers, models, beside } = await openAtStart(opening);
  const hot: HotScorer = new HotScorer(models, {
    source,
    now: () => clock.now(),
    nowMicros,
    ...limits,
    openPrevious: async (name, version) => {
      const previous = follower.previousOf(name, version);
      return previous === null ? null : source.open(name, previous, null);
    },
    onEvent: event => {
      if (event.kind === 'rolledBack') follower.noteRollback(event);
      if (event.kind === 'proven' || (event.kind === 'swapped' && !event.isOnTrial))
        follower.noteProven(event.model, event.version);
      onEvent(event);
    },
  });
  const everyMs = settings['models.pollSeconds'] * SECOND_MS;
  const movesPointers = settings['models.rollback'] === 'registry';
  const options = { source, clock, nowMicros, everyMs, movesPointers, onEvent };
  const follower = new ModelFollower(hot, { ...options, ...(memory === undefined ? {} : { memory }) });
  follower.begin(pointers, remembered.rollbacks);
  for (const proven of beside) hot.tryBeside(proven);
  for (const { name, version } of models) if (!hot.metrics.onTrial[name]) follower.noteProven(name, version);
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
