/** A processor of the distributed engine: lanes over Kafka and Redis, as many as the group assigns. */
import type { DriftReadings, DriftWatch } from '../../models';
import type { Clock, Scorer } from '../../processors/ports';
import type { LaneMetrics, LaneStep, RescorerMetrics, SchedulerMetrics } from '../../processors/runner';
import type { SwapMetrics } from '../../processors/swap';
import type { KafkaEventLog, SendStep } from '../../streams/kafka';
import { SECOND_MS } from '../../schemas';
import { CliError } from '../errors';
import { driftWatch, inputRules } from '../lanes';
import type { LiveModels } from '../models/live';
import { coreSettings } from '../settings';
import type { Settings } from '../settings';
import { inKafkaWords } from './admin';
import { connectMember } from './group-member';
import type { AssignmentListener, GroupMember } from './group-member';
import { openLanePorts } from './lane-ports';
import type { LanePorts } from './lane-ports';
import { LaneSet } from './lane-set';
import { SILENCE_MS, Silence } from './silence';

export interface Scoring {
  scorer: Scorer;
  /** Where they change while lanes work. */
  models?: LiveModels;
}

export interface WorkerOptions {
  settings: Settings;
  /** Called once the predecessor is signed off: models take the processor, servers meanwhile the network. */
  scoring: () => Promise<Scoring>;
  clock: Clock;
  /** Aborted by a signal or by a fatal error: everything ends in order. */
  stop: AbortController;
  onNote: (line: string) => void;
  /** Without an answer to a fetch for this long the process ends; a minute when left out, ms. */
  silenceMs?: number;
  onStep?: (partition: number, step: LaneStep) => void | Promise<void>;
  onSend?: (step: SendStep) => void | Promise<void>;
}

export interface Worker {
  metrics: () => LaneMetrics;
  schedulers: () => SchedulerMetrics[];
  rescorers: () => RescorerMetrics[];
  models: (() => SwapMetrics) | null;
  /** Partitions that are worked on, in order. */
  partitions: () => number[];
  /** Partitions whose lanes have stopped over damage, in order. */
  stopped: () => number[];
  /** Inputs of the partitions that are worked on and not read yet, by topic. */
  lag: () => Readonly<Record<string, number>>;
  drift: () => Promise<DriftReadings>;
  /** Why it is not ready; null when it is. */
  unready: () => string | null;
  /** Resolves when it has ended; rejects with the error that ended it, or with stop-unfinished. */
  done: Promise<void>;
}

const WATCH_MS = 1_000;
/** A stop that takes longer is no stop. */
const STOP_MS = 9_000;

export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const member = await connectMember(options);
  const [ports, scoring] = await openBoth(member, options);
  let fatal: Error | null = null;
  const onFatal = (error: Error): void => {
    fatal ??= error;
    options.stop.abort();
  };
  const drift = driftWatch(options.settings);
  const lanes = openLanes(options, scoring, ports, drift, onFatal);
  const { membership } = member;
  Object.assign(member.listener, {
    held: () => lanes.held(),
    onAssigned: (partitions: readonly number[]) => lanes.assign(partitions),
    onFatal,
  } satisfies AssignmentListener);
  await membership.join();
  const done = (async () => {
    await watch(options, ports.log, lanes, onFatal);
    const isOver = await withinTime(options.clock, [() => lanes.close(), () => member.close()]);
    if (fatal !== null) throw inKafkaWords(fatal, options.settings);
    const left = lanes.left() ?? (isOver ? null : 'the group is not left, and waits for a session to end');
    if (left !== null) throw new CliError('stop-unfinished', `Stopped before all was done: ${left}.`);
  })();
  return {
    metrics: () => lanes.metrics(),
    schedulers: () => lanes.schedulers(),
    rescorers: () => lanes.rescorers(),
    models: scoring.models?.metrics ?? null,
    partitions: () => lanes.partitions(),
    stopped: () => lanes.stopped(),
    lag: () => lanes.lag(),
    drift: () => drift.readings(),
    unready: () => (membership.memberId === null ? 'it has not joined its group yet' : lanes.unready()),
    done,
  };
}

/** Whoever opened the models closes them. */
async function openBoth(member: GroupMember, options: WorkerOptions): Promise<[LanePorts, Scoring]> {
  const [ports, scoring] = await Promise.allSettled([openLanePorts(member, options), options.scoring()]);
  if (ports.status === 'fulfilled' && scoring.status === 'fulfilled') return [ports.value, scoring.value];
  await member.close().catch(() => undefined);
  throw (ports.status === 'rejected' ? ports : (scoring as PromiseRejectedResult)).reason;
}

function openLanes(
  { settings, clock, onNote, onStep }: WorkerOptions,
  { scorer, models }: Scoring,
  { log, publisher, store, codec }: LanePorts,
  watch: DriftWatch,
  onFatal: (error: Error) => void,
): LaneSet {
  return new LaneSet({
    log,
    store,
    publisher,
    scorer,
    watch,
    codec,
    clock,
    core: coreSettings(settings),
    rules: inputRules(settings),
    lane: {
      maxRecords: settings['lane.batchRecords'],
      maxCustomers: settings['lane.batchCustomers'],
      maxMessageBytes: settings['lane.maxMessageBytes'],
      vectorShare: settings['publish.vectorShare'],
      lingerMs: settings['lane.lingerMs'],
      source: settings['kafka.application'],
    },
    ticksPerSecond: settings['scheduler.ticksPerSecond'],
    rescoring: { perSecond: settings['models.rescorePerSecond'], wanted: models?.wanted ?? (() => null) },
    unitSize: settings['kafka.groupPartitions'],
    onNote,
    onFatal,
    ...(onStep === undefined ? {} : { onStep }),
  });
}

const brokersSilent = (brokers: readonly string[], ms: number): CliError =>
  new CliError(
    'brokers-silent',
    `No broker of kafka.brokers (${brokers.join(', ')}) has answered a fetch for ${Math.round(ms / SECOND_MS)} s. This processor ends, so that its supervisor starts it again.`,
  );

/** Until it is told to stop. */
async function watch(
  { settings, clock, stop, silenceMs = SILENCE_MS }: WorkerOptions,
  log: KafkaEventLog,
  lanes: LaneSet,
  onFatal: (error: Error) => void,
): Promise<void> {
  const silence = new Silence(clock.now());
  while (!stop.signal.aborted) {
    await clock.sleep(WATCH_MS, stop.signal);
    const silentMs = silence.at(clock.now(), log.answeredAt);
    if (silentMs > silenceMs && lanes.partitions().length > 0)
      onFatal(brokersSilent(settings['kafka.brokers'], silentMs));
  }
}

/** One after another, but not for ever: what is not finished is finished by whoever comes next. True when all is. */
async function withinTime(clock: Clock, steps: readonly (() => Promise<void>)[]): Promise<boolean> {
  const over = new AbortController();
  const inOrder = async (): Promise<void> => {
    for (const step of steps) await step();
  };
  const isOver = await Promise.race([
    inOrder().then(() => true),
    clock.sleep(STOP_MS, over.signal).then(() => false),
  ]);
  over.abort();
  return isOver;
}
