/**
 * A transactional producer of our own over the connections of kafkajs: its own producer asks for the coordinator four
 * times a transaction, copies an array for each message, and hides which requests were answered. The order of requests
 * is that of the protocol: partitions and group are added, then data and positions go out side by side, then the end.
 * The first of these can be done ahead, while what will be sent is still being prepared (`begin`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, Kafka } from 'kafkajs';
import type { OutgoingMessage } from '../../processors/ports';
import type { EpochMs } from '../../schemas';
import { partitionOf } from '../partitioner';
import { COMPRESSION, portionsOf } from './sending';
import { topicName } from './topic-names';
import { TransactionScope } from './transaction-scope';
import type { Targets } from './transaction-scope';
import { connectCluster } from './wire/cluster';
import { groupCoordinator, produceRaw, transactionCoordinator } from './wire/kafkajs-internals';
import type { Coordinator, ProducerIdentity } from './wire/kafkajs-internals';
import { writeBatch } from './wire/record-batch-writer';
import type { Compression } from './publisher';

export interface TransactionOptions {
  kafka: Kafka;
  transactionalId: string;
  /** Whose positions are committed. */
  groupId: string;
  topicPrefix: string;
  /** Names in the cluster of all topics that may be written. */
  topics: readonly string[];
  compression: Compression;
  /** Of the records, where a topic says CreateTime. */
  now: () => EpochMs;
  /** Before a transaction goes on from a step. */
  onStep?: (step: SendStep) => void | Promise<void>;
}

/**
 * Where a test may stop or kill whoever sends: the mail of a batch is out; its messages are in the transaction, its
 * positions perhaps; both are, and only the end is missing.
 */
export const SEND_STEPS = ['mailed', 'produced', 'ending'] as const;
export type SendStep = (typeof SEND_STEPS)[number];

/** What one lane has to say in a transaction. */
export interface LaneShare {
  /** Its partition of the inputs. */
  partition: number;
  messages: readonly OutgoingMessage[];
  offsets: readonly CommittedOffset[];
}

export interface CommittedOffset {
  topic: string;
  partition: number;
  offset: string;
  metadata: string;
}

/** The broker aborts what is open for longer. */
const TRANSACTION_TIMEOUT_MS = 60_000;
const PRODUCE_TIMEOUT_MS = 30_000;
/** Behind the largest sequence number comes 0. */
const SEQUENCES = 2 ** 31;

/**
 * A broker completes a transaction for about so long after it has answered its end, ms. Who begins the next one sooner is
 * refused, and each refusal costs the broker time just where it has none.
 */
const COMPLETION_MS = 4;
/** The transaction before is still being completed. */
const NOT_YET = new Set(['CONCURRENT_TRANSACTIONS']);
/** While a coordinator moves or loads. */
const MOVING = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
]);
const WAIT = { firstMs: 1, factor: 1.6, mostMs: 200, attempts: 40 };

export const typeOf = (error: unknown): string => (error as { type?: string }).type ?? '';

async function patiently<T>(call: () => Promise<T>, mayPass: ReadonlySet<string>): Promise<T> {
  for (let attempt = 1, wait = WAIT.firstMs; ; attempt++, wait = Math.min(WAIT.mostMs, wait * WAIT.factor))
    try {
      return await call();
    } catch (error) {
      if (!mayPass.has(typeOf(error)) || attempt >= WAIT.attempts) throw error;
      await delay(wait);
    }
}

/** By topic and partition, in their order. */
type Outgoing = Map<string, Map<number, OutgoingMessage[]>>;

export class TransactionalProducer {
  /** Next sequence number by topic and partition. */
  private readonly sequences = new Map<string, number>();
  /** Where each lane wrote last: where it will likely write next. */
  private readonly written = new Map<number, Map<string, Set<number>>>();
  /** Of the present transaction. */
  private scope = new TransactionScope();
  /** All of the scope is added. */
  private added: Promise<void> = Promise.resolve();
  private endedAt = -Infinity;

  private constructor(
    private readonly options: TransactionOptions,
    private readonly cluster: Cluster,
    private readonly disconnect: () => Promise<void>,
    private readonly identity: ProducerIdentity,
    private readonly coordinator: Coordinator,
    private readonly group: Coordinator,
  ) {}

  /** Connects and fences: whoever published under this id before can't any more, and what it left open is aborted. */
  static async open(options: TransactionOptions): Promise<TransactionalProducer> {
    const { kafka, transactionalId, groupId, topics } = options;
    const { cluster, disconnect } = await connectCluster(kafka, topics);
    try {
      const [coordinator, identity] = await patiently(
        async () => {
          const found = await transactionCoordinator(cluster, transactionalId);
          const transactionTimeout = TRANSACTION_TIMEOUT_MS;
          return [found, await found.initProducerId({ transactionalId, transactionTimeout })] as const;
        },
        new Set([...NOT_YET, ...MOVING]),
      );
      const group = await groupCoordinator(cluster, groupId);
      const whole = { transactionalId, ...identity };
      return new TransactionalProducer(options, cluster, disconnect, whole, coordinator, group);
    } catch (error) {
      await disconnect();
      throw error;
    }
  }

  /**
   * Resolves when the transaction before is over for every reader, its positions included. The broker answers the end
   * of one as soon as that is written down, and hands out the positions of before until the markers are set too; but
   * it begins no other one meanwhile. So an empty one is begun, and given up. @throws when it was fenced
   */
  async settle(): Promise<void> {
    await this.add(NOTHING);
    await this.end(false);
  }

  /**
   * Ahead of `transact`, for lanes that are about to have something to say: group and partitions are added meanwhile.
   * What goes wrong is told by `transact`. A partition to which nothing goes after all gets a marker, and nobody sees it.
   */
  begin(lanes: readonly number[]): void {
    const likely = new Map<string, Set<number>>();
    for (const lane of lanes)
      for (const [topic, partitions] of this.written.get(lane) ?? [])
        for (const partition of partitions) entryOf(likely, topic, newSet).add(partition);
    void this.add(likely);
  }

  /** All of it or nothing. After an error the outcome is unknown, and this producer is of no more use. */
  async transact(shares: readonly LaneShare[]): Promise<void> {
    const { identity, group, options } = this;
    const outgoing = this.outgoingOf(shares);
    await this.add(partitionsOf(outgoing));
    const topics = byTopic(shares.flatMap(({ offsets }) => offsets));
    await Promise.all([
      group.txnOffsetCommit({ ...identity, groupId: options.groupId, topics }),
      this.produceAll(outgoing).then(() => options.onStep?.('produced')),
    ]);
    await options.onStep?.('ending');
    await this.end(true);
  }

  /** Resolves when these are part of the transaction, and all that was added before. */
  private add(targets: Targets): Promise<void> {
    const topics = this.scope.widen(targets);
    const isFirst = this.scope.takeGroup();
    if (isFirst || topics.length > 0) {
      const before = this.added;
      this.added = (async () => {
        await before;
        if (isFirst) await this.addGroup();
        if (topics.length > 0)
          await patiently(() => this.coordinator.addPartitionsToTxn({ ...this.identity, topics }), NOT_YET);
      })();
      // Whoever sends next awaits it; until then a failure must not count as unhandled.
      this.added.catch(() => undefined);
    }
    return this.added;
  }

  /** First of all, so that of these requests it alone can come too early. */
  private async addGroup(): Promise<void> {
    const rest = this.endedAt + COMPLETION_MS - performance.now();
    if (rest > 0) await delay(rest);
    const { groupId } = this.options;
    await patiently(() => this.coordinator.addOffsetsToTxn({ ...this.identity, groupId }), NOT_YET);
  }

  private async end(transactionResult: boolean): Promise<void> {
    await this.coordinator.endTxn({ ...this.identity, transactionResult });
    this.endedAt = performance.now();
    this.scope = new TransactionScope();
    this.added = Promise.resolve();
  }

  /** Messages by topic and partition, where Java clients would put them. */
  private outgoingOf(shares: readonly LaneShare[]): Outgoing {
    const outgoing: Outgoing = new Map();
    const counts = new Map<string, number>();
    for (const { partition: lane, messages } of shares) {
      const written = new Map<string, Set<number>>();
      this.written.set(lane, written);
      for (const message of messages) {
        const topic = topicName(this.options.topicPrefix, message.topic);
        let count = counts.get(topic);
        if (count === undefined)
          counts.set(topic, (count = this.cluster.findTopicPartitionMetadata(topic).length));
        const partition = partitionOf(message.key, count);
        entryOf(written, topic, newSet).add(partition);
        entryOf(entryOf(outgoing, topic, newMap), partition, newList).push(message);
      }
    }
    return outgoing;
  }

  /** Side by side over brokers; portions of one partition one after another, as their sequence numbers say. */
  private async produceAll(outgoing: Outgoing): Promise<void> {
    const rounds: Map<string, Map<string, { partition: number; batch: Buffer }[]>>[] = [];
    for (const [topic, partitions] of outgoing)
      for (const [partition, messages] of partitions) {
        const [leader] = Object.keys(this.cluster.findLeaderForPartitions(topic, [partition]));
        if (leader === undefined) throw new Error(`${topic}/${partition} has no leader.`);
        let round = 0;
        for (const portion of portionsOf(messages, ({ value }) => value?.length ?? 0)) {
          const batch = await this.batchOf(topic, partition, portion);
          const brokers = (rounds[round++] ??= new Map());
          const topics = brokers.get(leader) ?? new Map<string, { partition: number; batch: Buffer }[]>();
          brokers.set(leader, topics.set(topic, [...(topics.get(topic) ?? []), { partition, batch }]));
        }
      }
    for (const brokers of rounds)
      await Promise.all(
        [...brokers].map(async ([nodeId, topics]) => {
          const broker = await this.cluster.findBroker({ nodeId });
          await produceRaw(broker, this.identity.transactionalId, PRODUCE_TIMEOUT_MS, topics);
        }),
      );
  }

  private batchOf(topic: string, partition: number, records: readonly OutgoingMessage[]): Promise<Buffer> {
    const key = `${topic}/${partition}`;
    const firstSequence = this.sequences.get(key) ?? 0;
    this.sequences.set(key, (firstSequence + records.length) % SEQUENCES);
    const { producerId, producerEpoch } = this.identity;
    return writeBatch(records, {
      producerId: BigInt(producerId),
      producerEpoch,
      firstSequence,
      timestamp: this.options.now(),
      compression: COMPRESSION[this.options.compression],
      isTransactional: true,
    });
  }

  close(): Promise<void> {
    return this.disconnect();
  }
}

const NOTHING: Targets = new Map();
const partitionsOf = (outgoing: Outgoing): Targets =>
  new Map([...outgoing].map(([topic, partitions]) => [topic, partitions.keys()]));

const newSet = (): Set<number> => new Set();
const newMap = (): Map<number, OutgoingMessage[]> => new Map();
const newList = (): OutgoingMessage[] => [];

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const held = map.get(key);
  if (held !== undefined) return held;
  const made = make();
  map.set(key, made);
  return made;
}

export function byTopic(
  offsets: readonly CommittedOffset[],
): { topic: string; partitions: Omit<CommittedOffset, 'topic'>[] }[] {
  const topics = new Map<string, Omit<CommittedOffset, 'topic'>[]>();
  for (const { topic, ...rest } of offsets) topics.set(topic, [...(topics.get(topic) ?? []), rest]);
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
