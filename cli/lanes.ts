/** Lanes over a state: the runner wired to the embedded store, the models and the settings. */
import { newLaneMetrics, addMetrics, Lane, type LaneMetrics } from '../processors/runner';
import { DriftWatch } from '../models';
import type { InputRules } from '../processors/core';
import type { WireCodec } from '../processors/ports';
import { DAY_MS, INPUT_TOPICS, type CommandKind, type CustomerId, type EpochMs } from '../schemas';
import { type Context } from './context';
import type { Io } from './io';
import type { OpenState } from './embedded';
import { ReplayProgress } from './replay/progress-record';
import { coreSettings, type Settings } from './settings';
import { modelsPlace } from './models/registry';

export const inputRules = (settings: Settings): InputRules => ({
  currency: settings.currency,
  rates: [],
  refusedIds: new Set(settings['input.standInIds'].map(id => id.trim().toLowerCase())),
});

/** For lanes: with reasons, unless the settings say that nobody reads them. */
export const laneScorer = (io: Io, settings: Settings): ReturnType<Io['openScorer']> =>
  io.openScorer({ ...modelsPlace(io, settings), explains: settings['publish.reasons'] === 'on' });

/** Of the lanes of a live process. */
export const driftWatch = (settings: Settings): DriftWatch =>
  new DriftWatch({
    customers: settings['drift.customers'],
    windowMs: settings['drift.windowDays'] * DAY_MS,
    warmUpMs: settings['drift.warmUpDays'] * DAY_MS,
  });

export interface Engine {
  state: OpenState;
  lanes: Lane[];
  /** Sum over the lanes, since they were opened. */
  metrics: () => LaneMetrics;
  close: () => Promise<void>;
}

/** Verifies the artifacts, then claims every lane of the state. */
export async function startLanes(context: Context, state: OpenState): Promise<Engine> {
  const { values } = context.settings;
  const scorer = await laneScorer(context.io, values);
  const { log, store } = state.embedded;
  const ports = { log, store, publisher: store, scorer, codec: state.codec };
  const core = coreSettings(values);
  const rules = inputRules(values);
  const settings = {
    maxRecords: values['lane.batchRecords'],
    maxCustomers: values['lane.batchCustomers'],
    maxMessageBytes: values['lane.maxMessageBytes'],
    vectorShare: values['publish.vectorShare'],
  };
  const lanes = Array.from(
    { length: state.partitions },
    (_, partition) => new Lane({ partition, ports, core, rules, settings }),
  );
  for (const lane of lanes) await lane.start();
  return {
    state,
    lanes,
    metrics: () => {
      const total = newLaneMetrics();
      for (const lane of lanes) addMetrics(total, lane.metrics);
      return total;
    },
    close: async () => {
      for (const lane of lanes) await lane.settle();
      await scorer.release();
    },
  };
}

/** Until no lane has anything left to read: one lane's mail is another's input. */
export async function drain({ lanes }: Engine): Promise<void> {
  for (let worked = true; worked;) {
    worked = false;
    for (const lane of lanes) while (await lane.advance()) worked = true;
  }
}

/**
 * The instant that a command of today has in the state's own time: where a replay of history ended, or now; never
 * before a record that the lanes have read.
 */
async function commandInstant(context: Context, { state, lanes }: Engine): Promise<EpochMs> {
  const replayed = ReplayProgress.stored(state.embedded)?.reachedAt ?? null;
  let at = replayed ?? context.io.clock.now();
  for (const { partition } of lanes) {
    const { clocks } = state.embedded.environment.getDocument<{ clocks: Record<string, number> }>(
      `lane/${partition}`,
    ) ?? {
      clocks: {},
    };
    for (const topic of INPUT_TOPICS) at = Math.max(at, clocks[topic] ?? 0);
  }
  return at;
}

/** What a person may ask of a customer's lane. */
export type AskedCommand = Extract<CommandKind, 'rescore' | 'erase'>;

export const commandBody = (codec: WireCodec, kind: AskedCommand, customerId: CustomerId): Uint8Array =>
  codec.encodeInput('customer-commands', {
    customerId,
    kind,
    cause: kind === 'rescore' ? 'command' : null,
    dueAt: null,
    networkCentrality: null,
    avgConnectionStrength: null,
    computedAt: null,
  });

/** Appends one command for each customer and works until all are done. Answers with their record timestamp. */
export async function carryOutCommand(
  context: Context,
  engine: Engine,
  kind: AskedCommand,
  ids: readonly CustomerId[],
): Promise<EpochMs> {
  const { log } = engine.state.embedded;
  const recordAt = await commandInstant(context, engine);
  for (const customerId of ids) {
    const value = commandBody(engine.state.codec, kind, customerId);
    await log.append('customer-commands', log.partitionOf(customerId), [
      { key: customerId, recordAt, value },
    ]);
  }
  await drain(engine);
  return recordAt;
}
