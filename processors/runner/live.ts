/**
 * A live lane: batches as records come, ticks as they fall due, and a new claim when it was lost. Ends when the
 * signal says so, with everything that was read committed and published.
 */
import { FencedError } from '../ports';
import type { Clock, EventLog } from '../ports';
import type { Lane } from './lane';
import { LaneLostError } from './options';
import type { Rescorer } from './rescorer';
import type { Scheduler } from './scheduler';
import { DEFAULT_LANE_SETTINGS } from './settings';
import type { LaneSettings } from './settings';

export interface LiveOptions {
  lane: Lane;
  /** Where an idle lane waits for news; it sleeps when left out. */
  log?: Pick<EventLog, 'arrival'>;
  scheduler: Scheduler;
  /** Where models change while lanes work. */
  rescorer?: Rescorer;
  clock: Clock;
  signal: AbortSignal;
  settings?: Partial<Pick<LaneSettings, 'idleMs' | 'reclaimMs'>>;
  /** 0 to 1: two lanes that fence each other must not come back at the same time. */
  jitter?: () => number;
  /** The lane was lost and will be claimed again. */
  onLost?: (error: Error) => void;
  /** Servers that are away come back: such an error costs the lane its claim, not the process its life. */
  isTransient?: (error: unknown) => boolean;
}

/** Another owner has come between; everything else that a lane throws is the operator's. */
const isLost = (error: unknown): error is Error =>
  error instanceof LaneLostError || error instanceof FencedError;

/** @throws what can't be mended by a new claim: DamagedPositionsError, DamagedStateError, errors of ports. */
export async function runLane(options: LiveOptions): Promise<void> {
  const { lane, clock, signal, scheduler, jitter = () => 0, onLost, isTransient } = options;
  const { reclaimMs } = { ...DEFAULT_LANE_SETTINGS, ...options.settings };
  while (!signal.aborted) {
    try {
      await lane.start();
      scheduler.reset();
      options.rescorer?.reset();
      await work(options);
    } catch (error) {
      if (!isLost(error) && isTransient?.(error) !== true) throw error;
      onLost?.(error as Error);
      await clock.sleep(reclaimMs * (1 + jitter()), signal);
    }
  }
}

async function work({ lane, log, clock, signal, scheduler, rescorer, settings }: LiveOptions): Promise<void> {
  const { idleMs } = { ...DEFAULT_LANE_SETTINGS, ...settings };
  while (!signal.aborted) {
    const worked = await lane.advance();
    await scheduler.poll();
    await rescorer?.poll();
    if (worked) continue;
    await (log?.arrival?.(lane.partition, idleMs, signal) ?? clock.sleep(idleMs, signal));
  }
  await lane.settle();
}
