/**
 * Reads stretches of topics for commands: what was committed, between two offsets, and nothing else. It belongs to no
 * group, so it commits no offset, moves nobody's partitions and leaves nothing behind.
 */
import type { Cluster, Kafka } from 'kafkajs';
import type { EpochMs } from '../../schemas';
import { connectCluster } from './wire/cluster';
import { Damages, soundPart } from './wire/checksums';
import { parseFetchResponse } from './wire/fetch-response';
import { fetchRaw } from './wire/kafkajs-internals';
import { decodeBatches } from './wire/record-batch';
import type { WireRecord } from './wire/record-batch';

export interface TopicRecord extends WireRecord {
  /** Name in the cluster, with the prefix. */
  topic: string;
  partition: number;
}

export interface Stretch {
  topic: string;
  partition: number;
  /** Offset of the first record. */
  from: number;
  /** Offset after the last one. */
  to: number;
}

const MAX_WAIT_MS = 500;
const MAX_BYTES = 4 * 1024 * 1024;
/** Fetches in a row that bring nothing, or that a broker refuses while leaders move. */
const PATIENCE = 10;

const OFFSET_OUT_OF_RANGE = 1;
const UNKNOWN_TOPIC = 3;
/** The broker is not the leader any more, or not yet. */
const MOVED = new Set([UNKNOWN_TOPIC, 5, 6, 74, 75, 76]);

export class TopicReader {
  private readonly damages = new Damages();

  private constructor(
    private readonly cluster: Cluster,
    private readonly disconnect: () => Promise<void>,
  ) {}

  /** @throws what kafkajs throws: UNKNOWN_TOPIC_OR_PARTITION when one of the topics is missing */
  static async open(kafka: Kafka, topics: readonly string[]): Promise<TopicReader> {
    const { cluster, disconnect } = await connectCluster(kafka, topics);
    return new TopicReader(cluster, disconnect);
  }

  /**
   * One stretch for each partition that holds something: from its first record, or the first of `since` on, to what
   * is decided now. Transactions that are still open are not waited for.
   */
  async stretches(topic: string, since: EpochMs | null = null): Promise<Stretch[]> {
    const partitions = this.cluster
      .findTopicPartitionMetadata(topic)
      .map(({ partitionId }) => ({ partition: partitionId }));
    const [starts, ends] = await Promise.all([
      this.offsets(
        since === null
          ? { topic, partitions, fromBeginning: true }
          : { topic, partitions, fromTimestamp: since },
      ),
      this.offsets({ topic, partitions, fromBeginning: false }),
    ]);
    return [...ends]
      .map(([partition, to]) => ({ topic, partition, from: startOf(starts.get(partition), to), to }))
      .filter(({ from, to }) => from < to);
  }

  private async offsets(
    asked: Parameters<Cluster['fetchTopicsOffset']>[0][number],
  ): Promise<Map<number, number>> {
    const [answer] = await this.cluster.fetchTopicsOffset([asked]);
    return new Map((answer?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]));
  }

  /** @throws Error when `open` was not told of the topic */
  partitions(topic: string): number {
    return this.cluster.findTopicPartitionMetadata(topic).length;
  }

  /** What each partition holds, in order, also where that is nothing: `from` is then `to`. */
  async held(topic: string): Promise<Stretch[]> {
    const partitions = Array.from({ length: this.partitions(topic) }, (_, partition) => ({ partition }));
    // The ends first: a start that moves meanwhile is seen.
    const ends = await this.offsets({ topic, partitions, fromBeginning: false });
    const starts = await this.offsets({ topic, partitions, fromBeginning: true });
    return partitions.map(({ partition }) => {
      const from = starts.get(partition)!;
      return { topic, partition, from, to: Math.max(from, ends.get(partition)!) };
    });
  }

  /**
   * Pages of records in the order of their offsets. Ends early when the signal is aborted. Where retention has
   * overtaken the reader, it tells `onOvertaken` and goes on at what is left.
   */
  async *read(
    stretch: Stretch,
    signal?: AbortSignal,
    onOvertaken?: (from: number, to: number) => void,
  ): AsyncGenerator<TopicRecord[]> {
    const { topic, partition, to } = stretch;
    let idle = 0;
    for (let at = stretch.from; at < to && signal?.aborted !== true;) {
      const { records, nextOffset, isOvertaken } = await this.fetch(topic, partition, at);
      if (isOvertaken === true) onOvertaken?.(at, nextOffset);
      if (nextOffset === at && ++idle > PATIENCE)
        throw new Error(`${topic}/${partition}: nothing comes at offset ${at}, although it is committed.`);
      if (nextOffset > at) idle = 0;
      at = nextOffset;
      const page = records.filter(({ offset }) => offset < to);
      if (page.length > 0) yield page.map(record => ({ ...record, topic, partition }));
    }
  }

  /** Single records by their offsets. */
  async lookup(topic: string): Promise<RecordLookup> {
    const stretches = await this.stretches(topic);
    return new RecordLookup(stretches, (partition, offset) => this.fetch(topic, partition, offset));
  }

  private async fetch(
    topic: string,
    partition: number,
    from: number,
  ): Promise<{ records: WireRecord[]; nextOffset: number; isOvertaken?: boolean }> {
    for (let attempt = 0; ; attempt++) {
      const [nodeId] = Object.keys(this.cluster.findLeaderForPartitions(topic, [partition]));
      if (nodeId === undefined) throw new Error(`${topic}/${partition} has no leader: a broker is down.`);
      const broker = await this.cluster.findBroker({ nodeId });
      const [answer] = parseFetchResponse(
        await fetchRaw(broker, {
          maxWaitMs: MAX_WAIT_MS,
          minBytes: 1,
          maxBytes: MAX_BYTES,
          topics: [{ topic, partitions: [{ partition, fetchOffset: String(from), maxBytes: MAX_BYTES }] }],
        }),
      ).partitions;
      if (answer === undefined) throw new Error(`${topic}/${partition}: the broker's answer is empty.`);
      if (answer.errorCode === 0) {
        const { sound, damage } = soundPart(answer.batches);
        const read = await decodeBatches(sound, from, answer.aborted, true);
        if (damage === null || read.nextOffset > from) return read;
        const fault = this.damages.judge(`${topic}/${partition}`, from, damage);
        if (fault !== null) return { records: [fault], nextOffset: fault.offset + 1 };
        if (attempt < PATIENCE) continue;
        throw new Error(`${topic}/${partition}: what the broker holds at offset ${from} is damaged.`);
      }
      if (answer.errorCode === OFFSET_OUT_OF_RANGE) {
        // The answer itself says -1 for the log's start.
        const start = (await this.offsets({ topic, partitions: [{ partition }], fromBeginning: true })).get(
          partition,
        )!;
        if (start > from) return { records: [], nextOffset: start, isOvertaken: true };
      }
      if (!MOVED.has(answer.errorCode) || attempt >= PATIENCE)
        throw new Error(`${topic}/${partition}: the broker answers error ${answer.errorCode}.`);
      await this.cluster.refreshMetadata();
    }
  }

  close(): Promise<void> {
    return this.disconnect();
  }
}

interface Page {
  from: number;
  records: WireRecord[];
  nextOffset: number;
}

/** Finds records one by one; those that stand near each other come with one fetch. */
export class RecordLookup {
  private readonly pages = new Map<number, Page>();

  constructor(
    private readonly stretches: readonly Stretch[],
    private readonly fetch: (partition: number, from: number) => Promise<Omit<Page, 'from'>>,
  ) {}

  /** Null when the topic does not hold the record any more, or never did as a committed one. */
  async at(partition: number, offset: number): Promise<WireRecord | null> {
    const held = this.stretches.find(stretch => stretch.partition === partition);
    if (held === undefined || offset < held.from || offset >= held.to) return null;
    let page = this.pages.get(partition);
    if (page === undefined || offset < page.from || offset >= page.nextOffset) {
      page = { from: offset, ...(await this.fetch(partition, offset)) };
      this.pages.set(partition, page);
    }
    return page.records.find(record => record.offset === offset) ?? null;
  }
}

/** Nothing is at or after the asked instant: -1. */
const startOf = (start: number | undefined, end: number): number =>
  start === undefined || start < 0 ? end : start;
