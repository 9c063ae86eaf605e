/**
 * The verdict over a run on real servers: everything is read back (inputs, outputs, state, positions) and handed to the
 * invariants of the simulation, with the same single-threaded replay as the oracle. What can only be seen while it
 * happens is not judged: I6, I7, I10 and I14.
 */
import type { Kafka } from 'kafkajs';
import type { PreparedCodec } from '../../cli/cluster/codec';
import { checkAtRest, messagesOf } from '../../processors/sim/invariants';
import type { RestedWorld } from '../../processors/sim/invariants';
import { MemoryStateStore } from '../../processors/state/memory';
import { RedisStateStore } from '../../processors/state/redis';
import type { RedisConnection } from '../../processors/state/redis';
import type { CustomerId, EngagementScore, EpochMs, Positions } from '../../schemas';
import { INPUT_TOPICS, OUTPUT_TOPICS } from '../../schemas';
import type { TopicRecord } from '../kafka';
import { MemoryBroker } from '../memory';
import { readAll } from './read-all';

export interface VerdictOptions {
  kafka: Kafka;
  redis: RedisConnection;
  application: string;
  topicPrefix: string;
  partitions: number;
  /** Redis lost writes: repeats of published messages are allowed. */
  losesWrites: boolean;
  /** Transactions are off: only the first of each message counts, and nothing else is forgiven. */
  dropsRepeats: boolean;
  now: EpochMs;
  /** As the processors had it. */
  codec: PreparedCodec;
  scorer: RestedWorld['scorer'];
}

export interface Verdict {
  violations: string[];
  inputs: number;
  messages: number;
  scores: number;
  customers: number;
  /** Scores that say what a recovery withheld: writes were lost, and noticed. */
  recovered: number;
}

/** Stopped for this long a lane may be late with a tick: other tests look at that. */
const PATIENCE_MS = 60_000;

/** What was read back. */
export interface Evidence {
  broker: MemoryBroker;
  store: MemoryStateStore;
  customers: number;
  /** What the positions of state and group say. */
  violations: readonly string[];
}

export const judge = async (options: VerdictOptions): Promise<Verdict> =>
  judgeEvidence(await readBack(options), options);

export async function readBack(options: VerdictOptions): Promise<Evidence> {
  const broker = new MemoryBroker(options.partitions);
  await loadInputs(broker, options);
  await loadMessages(broker, options);
  const violations: string[] = [];
  const violate = noteIn(violations);
  const { store, customers } = await loadState(options, violate);
  await checkPositions(options, broker, violate);
  return { broker, store, customers, violations };
}

export function judgeEvidence(
  { broker, store, customers, violations: before }: Evidence,
  {
    partitions,
    losesWrites,
    now,
    codec,
    scorer,
  }: Pick<VerdictOptions, 'partitions' | 'losesWrites' | 'now' | 'codec' | 'scorer'>,
): Verdict {
  const violations = [...before];
  const world: RestedWorld = {
    plan: { partitions, losesWrites, idleMs: PATIENCE_MS },
    broker,
    store,
    codec,
    scorer,
    turns: { now },
    witness: { violate: noteIn(violations) },
  };
  checkAtRest(world);
  const scores = messagesOf<EngagementScore>(world, 'engagement-scores');
  return {
    violations,
    inputs: countInputs(broker),
    messages: broker.published.length,
    scores: scores.length,
    customers,
    recovered: scores.filter(({ body }) => body?.cause === 'recovery').length,
  };
}

const noteIn =
  (violations: string[]) =>
  (invariant: string, what: string): void => {
    const violation = `${invariant}: ${what}`;
    if (!violations.includes(violation)) violations.push(violation);
  };

async function loadMessages(
  broker: MemoryBroker,
  { kafka, topicPrefix, dropsRepeats, codec }: VerdictOptions,
): Promise<void> {
  const all = await readAll(
    kafka,
    OUTPUT_TOPICS.map(topic => topicPrefix + topic),
  );
  const published = dropsRepeats ? firstOfEach(all) : all;
  await prepareAll(published, topicPrefix, codec);
  for (const { topic, partition, key, value, headers: sent } of published) {
    const headers = Object.fromEntries((sent ?? []).map(([name, text]) => [name, String(text)]));
    broker.published.push({
      topic: topic.slice(topicPrefix.length) as (typeof OUTPUT_TOPICS)[number],
      key,
      id: headers['ce_id'] ?? '',
      value,
      headers,
      partition,
      sequence: broker.published.length,
    });
  }
}

/** Without those that were there before, to the last byte. */
function firstOfEach(records: readonly TopicRecord[]): TopicRecord[] {
  const seen = new Set<string>();
  return records.filter(({ topic, key, value, headers }) => {
    const id = String(headers?.find(([name]) => name === 'ce_id')?.[1]);
    const content = `${topic} ${key} ${id} ${value === null ? '' : Buffer.from(value).toString('hex')}`;
    return seen.size < seen.add(content).size;
  });
}

async function loadInputs(
  broker: MemoryBroker,
  { kafka, topicPrefix, codec }: VerdictOptions,
): Promise<void> {
  const read = await readAll(
    kafka,
    INPUT_TOPICS.map(topic => topicPrefix + topic),
  );
  await prepareAll(read, topicPrefix, codec);
  for (const { topic: name, partition, offset, key, value, timestamp: recordAt, fault } of read) {
    const topic = name.slice(topicPrefix.length) as (typeof INPUT_TOPICS)[number];
    broker.skip(topic, partition, offset - broker.endOf(topic, partition));
    const record = { key, value: value ?? new Uint8Array(0), recordAt };
    broker.append(topic, partition, [fault === null ? record : { ...record, fault }]);
  }
}

/** The judges decode one message after another, and none of them waits. */
async function prepareAll(
  records: readonly TopicRecord[],
  topicPrefix: string,
  codec: PreparedCodec,
): Promise<void> {
  for (const topic of [...INPUT_TOPICS, ...OUTPUT_TOPICS])
    await codec.prepare?.(
      topic,
      records.flatMap(({ topic: name, value }) => (name === topicPrefix + topic ? (value ?? []) : [])),
    );
}

function countInputs(broker: MemoryBroker): number {
  let count = 0;
  for (const topic of INPUT_TOPICS)
    for (let partition = 0; partition < broker.partitions; partition++)
      count += broker.endOf(topic, partition);
  return count;
}

/** What Redis holds, as the memory store would. */
async function loadState(
  { redis, application, partitions }: VerdictOptions,
  violate: (invariant: string, what: string) => void,
): Promise<{ store: MemoryStateStore; customers: number }> {
  const from = new RedisStateStore(redis, application);
  const store = new MemoryStateStore();
  let customers = 0;
  for (let partition = 0; partition < partitions; partition++) {
    const states = new Map<CustomerId, Uint8Array>();
    for (let cursor: CustomerId | undefined; ;) {
      const page = await from.scan(partition, 1_000, cursor);
      for (const { customerId, value } of page) states.set(customerId, value);
      if (page.length < 1_000) break;
      cursor = page[page.length - 1]!.customerId;
    }
    customers += states.size;
    const held = await from.claim(partition);
    if (held.positions === null) violate('I9', `partition ${partition} was never begun`);
    const zero = held.positions ?? nowhere;
    const claim = await store.claim(partition);
    await store.initialise(claim, zero);
    const { clocks } = held;
    const outbox = { batchNumber: 1, epoch: claim.epoch, from: zero, to: zero, mail: [], messages: [] };
    const wakes = new Map(await dueOf(from, partition));
    await store.commit(claim, {
      batchNumber: 1,
      from: zero,
      to: zero,
      mailPositions: {},
      clocks,
      states,
      wakes,
      outbox,
    });
  }
  return { store, customers };
}

const nowhere = Object.fromEntries(INPUT_TOPICS.map(topic => [topic, 0])) as unknown as Positions;

async function dueOf(store: RedisStateStore, partition: number): Promise<[CustomerId, EpochMs][]> {
  const entries = await store.due(partition, Number.MAX_SAFE_INTEGER, 1_000_000);
  return entries.map(({ customerId, dueAt }) => [customerId, dueAt]);
}

/** I9: state and group have read every input, and agree. */
async function checkPositions(
  { kafka, redis, application, topicPrefix, partitions }: VerdictOptions,
  broker: MemoryBroker,
  violate: (invariant: string, what: string) => void,
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const topics = INPUT_TOPICS.map(topic => topicPrefix + topic);
  const committed = await admin.fetchOffsets({ groupId: application, topics });
  await admin.disconnect();
  const store = new RedisStateStore(redis, application);
  for (let partition = 0; partition < partitions; partition++) {
    const { positions } = await store.claim(partition);
    for (const topic of INPUT_TOPICS) {
      const end = broker.endOf(topic, partition);
      const k = Number(
        committed
          .find(one => one.topic === topicPrefix + topic)
          ?.partitions.find(one => one.partition === partition)?.offset ?? -1,
      );
      if (positions?.[topic] !== end)
        violate(
          'I9',
          `the state of partition ${partition} is at ${positions?.[topic]} of ${topic}, not ${end}`,
        );
      if (k !== end) violate('I9', `the group is at ${k} of ${topic}, partition ${partition}, not ${end}`);
    }
  }
}
