/**
 * Membership of the consumer group: kafkajs joins and sends heartbeats, and our assigner says who has which partition.
 * Every partition is paused for good: records are fetched by the Fetcher, under positions of our own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, Consumer, Kafka } from 'kafkajs';
import { INPUT_TOPICS } from '../../schemas';
import { createAssigner } from './assigner';
import type { Ownership } from './assigner';
import { Generations } from './generation';
import type { Generation } from './generation';
import { topicName } from './topic-names';
import { askForGroup, leaveGroupOf } from './wire/kafkajs-internals';

/** Remembers which member an instance was, for its next start. */
export interface MemberMemory {
  recall(instance: string): Promise<string | null>;
  remember(instance: string, memberId: string): Promise<void>;
}

export interface MembershipOptions {
  kafka: Kafka;
  groupId: string;
  topicPrefix: string;
  /** Partitions that move together. */
  unitSize: number;
  sessionTimeoutMs: number;
  /** Stable name of this process. */
  instance: string;
  memory: MemberMemory;
  /** What this process works on now, for the assigner. */
  held: () => readonly Ownership[];
  /** All partitions that this process has from now on. */
  onAssigned: (partitions: readonly number[]) => void;
  /** The group can't be kept: the process must end. */
  onFatal: (error: Error) => void;
}

const IDLE_LOOP_MS = 100;
/** Members learn by the answer to a heartbeat that somebody comes or goes: who takes over waits for it. */
const HEARTBEAT_MS = 250;
const REBALANCE_MS = 15_000;
const REJOIN_MS = 1_000;
/** What brokers that restart make of a request. */
const MENDS_ITSELF =
  /coordinator|connection|connect|broker|metadata|timed out|leader|closed|ECONN|not available/i;

export class Membership {
  private readonly consumer: Consumer;
  private assignedCluster: Cluster | null = null;
  private isLeaving = false;
  private readonly generations: Generations;
  /** Members by their ids, as they joined last. */
  memberId: string | null = null;

  constructor(private readonly options: MembershipOptions) {
    const { kafka, groupId, sessionTimeoutMs, unitSize, held } = options;
    this.generations = new Generations(groupId, () => this.cluster);
    const assigner = createAssigner({ unitSize, held });
    this.consumer = kafka.consumer({
      groupId,
      partitionAssigners: [
        config => {
          this.assignedCluster = config.cluster;
          return assigner(config);
        },
      ],
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: Math.max(REBALANCE_MS, sessionTimeoutMs),
      heartbeatInterval: Math.min(HEARTBEAT_MS, Math.floor(sessionTimeoutMs / 6)),
      maxWaitTimeInMs: IDLE_LOOP_MS,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      retry: { initialRetryTime: 50, multiplier: 1.5, maxRetryTime: 1_000, retries: 30 },
    });
  }

  /** Of the consumer: what the log reads through. */
  get cluster(): Cluster {
    return this.assignedCluster!;
  }

  /**
   * Connects, and signs the predecessor off before anything else is done: the others work on its partitions while this
   * process still loads, and also where it never gets to work.
   */
  async connect(): Promise<void> {
    await this.consumer.connect();
    await this.checkRight();
    await this.leaveForPredecessor();
  }

  /** Brokers that start know no coordinator yet, and the client waits for them; for a missing right it would wait in vain. */
  private async checkRight(): Promise<void> {
    try {
      await askForGroup(this.cluster, this.options.groupId);
    } catch (error) {
      if ((error as { type?: string }).type === 'GROUP_AUTHORIZATION_FAILED') throw error;
    }
  }

  /** Once the topics are known to be there; the group is joined by `join`. */
  async subscribe(): Promise<void> {
    const { topicPrefix } = this.options;
    await this.consumer.subscribe({
      topics: INPUT_TOPICS.map(topic => topicName(topicPrefix, topic)),
      fromBeginning: true,
    });
  }

  async join(): Promise<void> {
    const { onFatal } = this.options;
    this.consumer.on('consumer.group_join', ({ payload }) => this.joined(payload));
    this.consumer.on('consumer.heartbeat', ({ payload: { memberId, groupGenerationId } }) =>
      this.generations.heard(memberId, groupGenerationId),
    );
    this.consumer.on('consumer.crash', ({ payload: { restart, error } }) => {
      if (restart || this.isLeaving) return;
      if (!MENDS_ITSELF.test(error.message)) onFatal(error);
      else void this.rejoin();
    });
    await this.run();
  }

  /** kafkajs gives up on a cluster that is away for some seconds; the watchdog of the process is more patient. */
  private async rejoin(): Promise<void> {
    await delay(REJOIN_MS);
    if (this.isLeaving) return;
    try {
      await this.consumer.connect();
      await this.run();
    } catch {
      void this.rejoin();
    }
  }

  private async run(): Promise<void> {
    await this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      // Everything is paused: nothing ever comes here.
      eachBatch: () => Promise.resolve(),
    });
  }

  /** A member that died without a word holds every join up until its session ends. */
  private async leaveForPredecessor(): Promise<void> {
    const { instance, memory, groupId } = this.options;
    const memberId = await memory.recall(instance);
    if (memberId !== null) await leaveGroupOf(this.cluster, groupId, memberId);
  }

  private joined({
    memberId,
    memberAssignment,
  }: {
    memberId: string;
    memberAssignment: Record<string, number[]>;
  }): void {
    const { topicPrefix, onAssigned, instance, memory } = this.options;
    this.memberId = memberId;
    // Without a memory the next start waits for the session to end, nothing else.
    void memory.remember(instance, memberId).catch(() => undefined);
    for (const [topic, partitions] of Object.entries(memberAssignment))
      this.consumer.pause([{ topic, partitions }]);
    const partitions = memberAssignment[topicName(topicPrefix, 'web-events')] ?? [];
    this.generations.joined({ memberId, partitions: new Set(partitions) });
    onAssigned(partitions);
  }

  /** In which this process may commit positions, for publishers without transactions. @throws ProducerLostError */
  generation(): Generation {
    return this.generations.present();
  }

  /** Leaves the group: the others take over at once. */
  async leave(): Promise<void> {
    this.isLeaving = true;
    this.generations.end();
    await this.consumer.disconnect();
  }
}
