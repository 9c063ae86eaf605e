/** A hot scorer with its follower over a source, and a clock that stands still until it is told. */
import { HotScorer, ModelFollower } from '..';
import type { FollowerEvent, ModelSource, OpenedModel, SwapEvent, TrialLimits } from '..';

export const TRIAL: TrialLimits = {
  forMs: 60_000,
  rows: 400,
  microsPerRow: 1e9,
  difference: 0.15,
  order: 0.5,
};

export interface Running<M extends OpenedModel> {
  hot: HotScorer<M>;
  follower: ModelFollower<M>;
  events: (SwapEvent | FollowerEvent)[];
  time: { now: number };
}

export async function running<M extends OpenedModel>(
  source: ModelSource<M>,
  options: { trial?: Partial<TrialLimits>; movesPointers?: boolean; nowMicros?: () => number } = {},
): Promise<Running<M>> {
  const time = { now: 1_000_000 };
  const clock = { now: () => time.now, sleep: () => Promise.resolve() };
  const events: (SwapEvent | FollowerEvent)[] = [];
  const nowMicros = options.nowMicros ?? (() => performance.now() * 1_000);
  const pointers = new Map();
  const models: M[] = [];
  for (const name of source.names) {
    const pointed = await source.champion(name);
    pointers.set(name, pointed);
    models.push(await source.open(name, pointed.version, pointed.digest));
  }
  const hot: HotScorer<M> = new HotScorer(models, {
    source,
    now: clock.now,
    nowMicros,
    trial: { ...TRIAL, ...options.trial },
    shadow: { difference: 0.05, microsPerRow: 1e9 },
    openPrevious: async (name, version) => {
      const previous = follower.previousOf(name, version);
      return previous === null ? null : source.open(name, previous, null);
    },
    onEvent: event => {
      if (event.kind === 'rolledBack') follower.noteRollback(event);
      events.push(event);
    },
  });
  const { movesPointers = false } = options;
  const onEvent = (event: FollowerEvent | SwapEvent): void => void events.push(event);
  const follower = new ModelFollower(hot, {
    source,
    clock,
    nowMicros,
    everyMs: 1_000,
    movesPointers,
    onEvent,
  });
  follower.begin(pointers);
  return { hot, follower, events, time };
}
