/** A processor of the distributed engine: lanes over Kafka and Redis, as many as the group assigns. */
import type { Kafka, Producer } from 'kafkajs';
import { Partitioners } from 'kafkajs';
import type { DriftReadings, DriftWatch } from '../../models';
import type { Clock, Scorer } from '../../processors/ports';
import type { LaneMetrics, LaneStep, RescorerMetrics, SchedulerMetrics } from '../../processors/runner';
import type { SwapMetrics } from '../../processors/swap';
import { RedisMemberMemory, RedisStateStore } from '../../processors/state/redis';
import { KafkaEventLog, KafkaPublisher, Membership, checkTopics, topicName } from '../../streams/kafka';
import type { Compression } from '../../streams/kafka';
import { CliError } from '../errors';
import { driftWatch, inputRules } from '../lanes';
import type { LiveModels } from '../models/live';
import { coreSettings } from '../settings';
import type { Settings } from '../settings';
import { inKafkaWords, topicSettings } from './admin';
import { openCodec } from './codec';
import { connectedRedis, instanceName, openKafka } from './connections';
import { LaneSet } from './lane-set';

export interface Scoring {
  scorer: Scorer;
  /** Where they change while lanes work. */
  models?: LiveModels;
}

export interface WorkerOptions {
  settings: Settings;
  /** Models are verified and opened while the servers are connected. */
  scoring: Promise<Scoring>;
  clock: Clock;
  /** Aborted by a signal or by a fatal error: everything ends in order. */
  stop: AbortController;
  onNote: (line: string) => void;
  onStep?: (partition: number, step: LaneStep) => void | Promise<void>;
}

export interface Worker {
  metrics: () => LaneMetrics;
  schedulers: () => SchedulerMetrics[];
  rescorers: () => RescorerMetrics[];
  models: (() => SwapMetrics) | null;
  /** Partitions that are worked on, in order. */
  partitions: () => number[];
  drift: () => Promise<DriftReadings>;
  /** Why it is not ready; null when it is. */
  unready: () => string | null;
  /** Resolves when it has ended; rejects with the error that ended it. */
  done: Promise<void>;
}

const WATCH_MS = 1_000;
/** Without an answer to a fetch for this long the process ends: another one may do better. */
const SILENCE_MS = 60_000;
/** A stop that takes longer is no stop. */
const STOP_MS = 9_000;

export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const [parts, scoring] = await openBoth(options);
  let fatal: Error | null = null;
  const onFatal = (error: Error): void => {
    fatal ??= error;
    options.stop.abort();
  };
  const drift = driftWatch(options.settings);
  const lanes = openLanes(options, scoring, parts, drift, onFatal);
  const membership = parts.joinWith(
    () => lanes.held(),
    partitions => lanes.assign(partitions),
    onFatal,
  );
  await membership.join();
  const done = (async () => {
    await watch(options, parts.log, lanes, onFatal);
    await withinTime(options.clock, [() => lanes.close(), () => parts.close()]);
    if (fatal !== null) throw fatal as Error;
  })();
  return {
    metrics: () => lanes.metrics(),
    schedulers: () => lanes.schedulers(),
    rescorers: () => lanes.rescorers(),
    models: scoring.models?.metrics ?? null,
    partitions: () => lanes.partitions(),
    drift: () => drift.readings(),
    unready: () => (membership.memberId === null ? 'it has not joined its group yet' : lanes.unready()),
    done,
  };
}

interface Parts {
  log: KafkaEventLog;
  publisher: KafkaPublisher;
  store: RedisStateStore;
  codec: Awaited<ReturnType<typeof openCodec>>;
  joinWith: (
    held: () => { partition: number; epoch: number }[],
    onAssigned: (partitions: readonly number[]) => void,
    onFatal: (error: Error) => void,
  ) => Membership;
  close: () => Promise<void>;
}

/** Models take the processor, servers the network. Whoever opened the models closes them. */
async function openBoth(options: WorkerOptions): Promise<[Parts, Scoring]> {
  const [parts, scoring] = await Promise.allSettled([openParts(options), options.scoring]);
  if (parts.status === 'fulfilled' && scoring.status === 'fulfilled') return [parts.value, scoring.value];
  if (parts.status === 'fulfilled') await parts.value.close().catch(() => undefined);
  throw (parts.status === 'rejected' ? parts : (scoring as PromiseRejectedResult)).reason;
}

type Closers = (() => Promise<void>)[];

/** What was opened before something failed is closed again. */
async function openParts(options: WorkerOptions): Promise<Parts> {
  const closers: Closers = [];
  const close = async (): Promise<void> => {
    while (closers.length > 0) await closers.pop()!();
  };
  try {
    return { ...(await openAll(options, closers)), close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

async function openAll(
  { settings, clock, onNote }: WorkerOptions,
  closers: Closers,
): Promise<Omit<Parts, 'close'>> {
  const redis = await connectedRedis(settings, onNote);
  closers.push(() => Promise.resolve(redis.disconnect()));
  const kafka = openKafka(settings, (level, message) => onNote(`kafka ${level}: ${message}`));
  await checkedTopics(kafka, settings, onNote);
  const codec = await openCodec(settings, clock);
  const application = settings['kafka.application'];
  const topicPrefix = settings['kafka.topicPrefix'];
  const unitSize = settings['kafka.groupPartitions'];
  const late: Late = { held: () => [], onAssigned: () => undefined, onFatal: () => undefined };
  const membership = new Membership({
    kafka,
    groupId: application,
    topicPrefix,
    unitSize,
    sessionTimeoutMs: settings['kafka.sessionTimeoutMs'],
    instance: instanceName(settings),
    memory: new RedisMemberMemory(redis, application),
    held: () => late.held(),
    onAssigned: partitions => late.onAssigned(partitions),
    onFatal: error => late.onFatal(error),
  });
  closers.push(() => membership.leave());
  const producer = openProducer(kafka);
  closers.push(() => producer.disconnect());
  await membership.connect();
  await producer.connect();
  const log = new KafkaEventLog({
    cluster: membership.cluster,
    producer,
    groupId: application,
    partitions: await countPartitions(membership, topicPrefix),
    clock,
    settings: { topicPrefix },
    ...(codec.prepare === undefined ? {} : { prepare: codec.prepare.bind(codec) }),
    onNote,
  });
  closers.push(() => log.close());
  const publisher = new KafkaPublisher({
    kafka,
    application,
    topicPrefix,
    unitSize,
    compression: settings['kafka.compression'] as Compression,
    now: () => clock.now(),
    ...(settings['kafka.transactions'] === 'on'
      ? {}
      : { commitOffsets: offsets => membership.commitOffsets(offsets) }),
  });
  closers.push(() => publisher.close());
  return {
    log,
    publisher,
    store: new RedisStateStore(redis, application),
    codec,
    joinWith: (held, onAssigned, onFatal) => {
      Object.assign(late, { held, onAssigned, onFatal });
      return membership;
    },
  };
}

/** What the membership asks of lanes that are made after it. */
interface Late {
  held: () => { partition: number; epoch: number }[];
  onAssigned: (partitions: readonly number[]) => void;
  onFatal: (error: Error) => void;
}

/** The inputs fit together, or nothing starts. */
async function checkedTopics(
  kafka: Kafka,
  settings: Settings,
  onNote: (line: string) => void,
): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const findings = await checkTopics(admin, topicSettings(settings));
    const errors = findings.filter(({ level }) => level === 'error');
    if (errors.length > 0)
      throw new CliError(
        'topics-unfit',
        errors.map(({ topic, message }) => `${topic}: ${message}`).join(' '),
      );
    for (const { topic, message } of findings) onNote(`${topic}: ${message}`);
  } catch (error) {
    throw inKafkaWords(error, settings);
  } finally {
    await admin.disconnect();
  }
}

const openProducer = (kafka: Kafka): Producer =>
  kafka.producer({
    idempotent: true,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { initialRetryTime: 20, multiplier: 2, maxRetryTime: 1_000, retries: 8 },
  });

/** Of every input: `checkedTopics` has seen that they agree. */
async function countPartitions({ cluster }: Membership, topicPrefix: string): Promise<number> {
  await cluster.refreshMetadata();
  return cluster.findTopicPartitionMetadata(topicName(topicPrefix, 'web-events')).length;
}

function openLanes(
  { settings, clock, onNote, onStep }: WorkerOptions,
  { scorer, models }: Scoring,
  { log, publisher, store, codec }: Parts,
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

/** Until it is told to stop. */
async function watch(
  { clock, stop }: WorkerOptions,
  log: KafkaEventLog,
  lanes: LaneSet,
  onFatal: (error: Error) => void,
): Promise<void> {
  while (!stop.signal.aborted) {
    await clock.sleep(WATCH_MS, stop.signal);
    const silence = clock.now() - log.answeredAt;
    if (silence > SILENCE_MS && lanes.partitions().length > 0)
      onFatal(new Error(`No broker has answered a fetch for ${Math.round(silence / 1_000)} s.`));
  }
}

/** One after another, but not for ever: what is not finished is finished by whoever comes next. */
async function withinTime(clock: Clock, steps: readonly (() => Promise<void>)[]): Promise<void> {
  const over = new AbortController();
  const inOrder = async (): Promise<void> => {
    for (const step of steps) await step();
  };
  await Promise.race([inOrder(), clock.sleep(STOP_MS, over.signal)]);
  over.abort();
}
