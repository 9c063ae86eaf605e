/**
 * Fetches for all partitions of a process: one long poll at a time for each broker, which asks for every queue that
 * has room. A queue is filled behind the back of its reader, so a slow lane never holds up the others.
 */
import type { Broker, Cluster } from 'kafkajs';
import type { EpochMs } from '../../schemas';
import { OffsetOutOfRangeError } from '../../processors/ports';
import type { Clock, LogRecord } from '../../processors/ports';
import { topicName } from './topic-names';
import type { TopicQueue } from './topic-queue';
import { Damages, soundPart } from './wire/checksums';
import type { Damage } from './wire/checksums';
import { parseFetchResponse } from './wire/fetch-response';
import type { FetchedPartition } from './wire/fetch-response';
import { fetchRaw, nameOfError } from './wire/kafkajs-internals';
import { decodeBatches } from './wire/record-batch';
import type { WireRecord } from './wire/record-batch';

export interface FetcherSettings {
  topicPrefix: string;
  /** How long the broker waits for data, ms. */
  maxWaitMs: number;
  /** After an answer with few bytes the next fetch waits this long: more come together, ms. */
  pauseMs: number;
  maxBytesPerPartition: number;
  maxBytes: number;
  /** A queue with more than this is not fetched for. */
  maxWaitingBytes: number;
  maxWaitingRecords: number;
}

export const DEFAULT_FETCHER_SETTINGS: FetcherSettings = {
  topicPrefix: '',
  maxWaitMs: 50,
  pauseMs: 5,
  maxBytesPerPartition: 512 * 1024,
  maxBytes: 8 * 1024 * 1024,
  maxWaitingBytes: 2 * 1024 * 1024,
  maxWaitingRecords: 4_000,
};

/** An answer with less than this is worth a pause. */
const SMALL_BYTES = 65_536;
const RETRY_MS = [50, 100, 200, 500, 1_000];
/** What is damaged is fetched again after this, ms. */
const DAMAGE_RETRY_MS = 1_000;
/** Of the protocol's table of errors. */
const OFFSET_OUT_OF_RANGE = 1;
const TOPIC_AUTHORIZATION_FAILED = 29;
/** What no further request mends: the lane is told. */
const FOR_THE_LANE: ReadonlySet<number> = new Set([OFFSET_OUT_OF_RANGE, TOPIC_AUTHORIZATION_FAILED]);

export class Fetcher {
  private readonly queues = new Map<string, TopicQueue>();
  private readonly loops = new Map<string, Promise<void>>();
  private readonly waiters = new Set<() => void>();
  private readonly damages = new Damages();
  /** Queues that came upon damage, or that the broker refused. */
  private readonly restingUntil = new WeakMap<TopicQueue, EpochMs>();
  /** How often in a row. */
  private readonly refusals = new WeakMap<TopicQueue, number>();
  private looking: Promise<void> | null = null;
  private stopped = false;
  /** When a broker last answered. */
  answeredAt: EpochMs;

  constructor(
    private readonly cluster: Cluster,
    private readonly clock: Clock,
    private readonly settings: FetcherSettings,
    private readonly onNote: (message: string) => void,
  ) {
    this.answeredAt = clock.now();
  }

  add(queue: TopicQueue): void {
    this.queues.set(this.keyOf(queue), queue);
    this.ensureLoops();
  }

  remove(queue: TopicQueue): void {
    queue.close();
    this.queues.delete(this.keyOf(queue));
    this.wake();
  }

  get isStopped(): boolean {
    return this.stopped;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.wake();
    await Promise.all(this.loops.values());
  }

  /** Resolves at the next answer. */
  nextAnswer(): Promise<void> {
    return new Promise(resolve => this.waiters.add(resolve));
  }

  private wake(): void {
    const waiting = [...this.waiters];
    this.waiters.clear();
    for (const resolve of waiting) resolve();
  }

  private keyOf({ topic, partition }: Pick<TopicQueue, 'topic' | 'partition'>): string {
    return `${topicName(this.settings.topicPrefix, topic)}/${partition}`;
  }

  private ensureLoops(): void {
    for (const nodeId of this.cluster.getNodeIds().map(String))
      if (!this.loops.has(nodeId) && !this.stopped)
        this.loops.set(
          nodeId,
          this.loop(nodeId).finally(() => this.loops.delete(nodeId)),
        );
  }

  private async loop(nodeId: string): Promise<void> {
    let failures = 0;
    while (!this.stopped) {
      try {
        await this.cluster.refreshMetadataIfNecessary();
        const wanted = this.wantedFrom(nodeId);
        if (wanted.length === 0) {
          await this.clock.sleep(this.settings.maxWaitMs / 10);
          continue;
        }
        const bytes = await this.fetchOnce(await this.cluster.findBroker({ nodeId }), wanted);
        failures = 0;
        if (bytes < SMALL_BYTES && bytes > 0) await this.clock.sleep(this.settings.pauseMs);
      } catch (error) {
        if (this.stopped) return;
        await this.recover(nodeId, error as Error, failures++);
      }
    }
  }

  private async recover(nodeId: string, error: Error, failures: number): Promise<void> {
    if (failures > 0) this.onNote(`Fetching from broker ${nodeId}: ${error.message}`);
    await this.clock.sleep(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!);
    // When no broker answers, the watchdog counts the time.
    await this.refreshLeaders().catch(() => undefined);
  }

  private async refreshLeaders(): Promise<void> {
    await this.cluster.refreshMetadata();
    this.ensureLoops();
  }

  /** Another broker may lead a partition by now. Nobody waits for the answer: it may be long in coming, or refused, too. */
  private lookForLeaders(): void {
    this.looking ??= this.refreshLeaders()
      .catch(() => undefined)
      .finally(() => (this.looking = null));
  }

  /** Queues with room whose leader is this broker. */
  private wantedFrom(nodeId: string): TopicQueue[] {
    const { maxWaitingBytes, maxWaitingRecords, topicPrefix } = this.settings;
    const now = this.clock.now();
    const wanted: TopicQueue[] = [];
    for (const queue of this.queues.values()) {
      if (!queue.isOpen || queue.isRefused || (this.restingUntil.get(queue) ?? -Infinity) > now) continue;
      if (queue.waitingBytes > maxWaitingBytes || queue.waitingRecords > maxWaitingRecords) continue;
      const leaders = this.cluster.findLeaderForPartitions(topicName(topicPrefix, queue.topic), [
        queue.partition,
      ]);
      if (leaders[nodeId] !== undefined) wanted.push(queue);
    }
    return wanted;
  }

  /** Returns how many bytes of records came. */
  private async fetchOnce(broker: Broker, wanted: readonly TopicQueue[]): Promise<number> {
    const { topicPrefix, maxWaitMs, maxBytes, maxBytesPerPartition } = this.settings;
    const askedAt = this.clock.now();
    const asked = new Map<string, { queue: TopicQueue; from: number }>();
    const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>();
    for (const queue of shuffled(wanted)) {
      const name = topicName(topicPrefix, queue.topic);
      asked.set(this.keyOf(queue), { queue, from: queue.fetchFrom });
      const partitions = topics.get(name) ?? [];
      partitions.push({
        partition: queue.partition,
        fetchOffset: String(queue.fetchFrom),
        maxBytes: maxBytesPerPartition,
      });
      topics.set(name, partitions);
    }
    const request = {
      maxWaitMs,
      minBytes: 1,
      maxBytes,
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
    };
    const response = parseFetchResponse(await fetchRaw(broker, request));
    if (response.errorCode !== 0) throw new Error(`it answers ${nameOfError(response.errorCode)}.`);
    this.answeredAt = this.clock.now();
    let bytes = 0;
    let isRefused = false;
    for (const fetched of response.partitions) {
      const target = asked.get(`${fetched.topic}/${fetched.partition}`);
      if (target === undefined) continue;
      bytes += fetched.batches.length;
      if (this.isAnswered(fetched, target.queue)) await this.deliver(fetched, target, askedAt);
      else isRefused = true;
    }
    this.wake();
    if (isRefused) this.lookForLeaders();
    if (response.throttleMs > 0) await this.clock.sleep(response.throttleMs);
    return bytes;
  }

  /** An error of one partition is that partition's: its queue rests, and the rest of the answer is delivered. */
  private isAnswered({ errorCode }: FetchedPartition, queue: TopicQueue): boolean {
    if (errorCode === 0 || FOR_THE_LANE.has(errorCode)) {
      this.refusals.delete(queue);
      return true;
    }
    const before = this.refusals.get(queue) ?? 0;
    this.refusals.set(queue, before + 1);
    this.restingUntil.set(queue, this.clock.now() + RETRY_MS[Math.min(before, RETRY_MS.length - 1)]!);
    // The first may only say that the leader has moved.
    if (before > 0)
      this.onNote(`${this.keyOf(queue)}: the broker answers ${nameOfError(errorCode)}. It is asked again.`);
    return false;
  }

  private async deliver(
    fetched: FetchedPartition,
    { queue, from }: { queue: TopicQueue; from: number },
    askedAt: EpochMs,
  ): Promise<void> {
    const { errorCode, highWatermark, lastStableOffset, aborted, batches } = fetched;
    if (errorCode === OFFSET_OUT_OF_RANGE) {
      const { topic, partition } = queue;
      const { start, end } = await this.heldOf(queue);
      queue.refuse(from, new OffsetOutOfRangeError(topic, partition, from, start, end));
      return;
    }
    if (errorCode === TOPIC_AUTHORIZATION_FAILED) {
      const topic = topicName(this.settings.topicPrefix, queue.topic);
      queue.refuse(from, new TopicRefusedError(topic));
      return;
    }
    const { sound, damage } = soundPart(batches);
    const { records, nextOffset: soundTo } = await decodeBatches(sound, from, aborted);
    const fault = damage === null ? null : this.judge(queue, soundTo, damage);
    if (fault !== null) records.push(fault);
    const nextOffset = fault === null ? soundTo : fault.offset + 1;
    const atEnd = nextOffset >= lastStableOffset;
    queue.arrive({
      from,
      records: records.map(toRecord(queue)),
      nextOffset,
      logEnd: highWatermark,
      atEnd,
      askedAt,
    });
  }

  private judge(queue: TopicQueue, offset: number, damage: Damage): WireRecord | null {
    const place = this.keyOf(queue);
    const fault = this.damages.judge(place, offset, damage);
    if (fault !== null) return fault;
    this.onNote(`${place}: what came from offset ${offset} on is damaged. It is fetched again.`);
    this.restingUntil.set(queue, this.clock.now() + DAMAGE_RETRY_MS);
    return null;
  }

  /** An answer that refuses an offset says -1 for what the log holds: it is asked for by itself. */
  private async heldOf({ topic, partition }: TopicQueue): Promise<{ start: number; end: number }> {
    const asked = { topic: topicName(this.settings.topicPrefix, topic), partitions: [{ partition }] };
    const [[starts], [ends]] = await Promise.all([
      this.cluster.fetchTopicsOffset([{ ...asked, fromBeginning: true }]),
      this.cluster.fetchTopicsOffset([{ ...asked, fromBeginning: false }]),
    ]);
    return { start: Number(starts!.partitions[0]!.offset), end: Number(ends!.partitions[0]!.offset) };
  }
}

/** This user may not read the topic. Asked again it would be refused again. */
class TopicRefusedError extends Error {
  readonly type = 'TOPIC_AUTHORIZATION_FAILED';
  constructor(readonly topic: string) {
    super(`The broker lets this user not read ${topic}.`);
  }
}

const NO_BYTES = new Uint8Array(0);

const toRecord =
  ({ topic, partition }: TopicQueue) =>
  ({ offset, timestamp, key, value, fault }: WireRecord): LogRecord => ({
    topic,
    partition,
    offset,
    recordAt: timestamp,
    key,
    value: value ?? NO_BYTES,
    ...(fault === null ? {} : { fault }),
  });

/** The broker fills its answer in the order of the request: nobody is always last. */
function shuffled(queues: readonly TopicQueue[]): readonly TopicQueue[] {
  turn = (turn + 1) % Math.max(1, queues.length);
  return [...queues.slice(turn), ...queues.slice(0, turn)];
}
let turn = 0;
