/**
 * EventLog over Kafka. Positions are the lane's own: nothing is read from a committed offset of the consumer group,
 * and kafkajs never resets one. `committed` is what the publisher's transactions have left there.
 */
import type { Cluster, Producer, TopicOffsets } from 'kafkajs';
import type { InputTopic, Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import type {
  AppendRecord,
  Clock,
  CommittedPositions,
  EventLog,
  LogRecord,
  TopicBatch,
} from '../../processors/ports';
import { partitionOf } from '../partitioner';
import { DEFAULT_FETCHER_SETTINGS, Fetcher } from './fetcher';
import type { FetcherSettings } from './fetcher';
import { asBuffer, portionsOf } from './sending';
import { topicName } from './topic-names';
import { TopicQueue } from './topic-queue';

export interface KafkaLogOptions {
  /** Of the consumer; connected, with the input topics as its targets. */
  cluster: Cluster;
  /** Idempotent, for ticks and commands. */
  producer: Pick<Producer, 'send'>;
  groupId: string;
  partitions: number;
  clock: Clock;
  settings: Partial<FetcherSettings> & { topicPrefix: string };
  /** Makes a page of records decodable at once: resolves their schema ids. */
  prepare?: (topic: InputTopic, values: Iterable<Uint8Array>) => Promise<void>;
  onNote?: (message: string) => void;
}

/** A page that could not be prepared is tried again after this, ms. */
const PREPARE_RETRY_MS = 1_000;

export class KafkaEventLog implements EventLog {
  readonly partitions: number;
  private readonly fetcher: Fetcher;
  private readonly queues = new Map<number, TopicQueue[]>();
  /** Appends of one topic and partition, one after another. */
  private readonly appends = new Map<string, Promise<unknown>>();
  private readonly heldUntil = new Map<TopicQueue, number>();

  constructor(private readonly options: KafkaLogOptions) {
    this.partitions = options.partitions;
    const note = (message: string): void => options.onNote?.(message);
    const settings = { ...DEFAULT_FETCHER_SETTINGS, ...options.settings };
    this.fetcher = new Fetcher(options.cluster, options.clock, settings, note);
  }

  partitionOf(key: string): number {
    return partitionOf(key, this.partitions);
  }

  private name(topic: InputTopic): string {
    return topicName(this.options.settings.topicPrefix, topic);
  }

  starts(partition: number): Promise<Positions> {
    return this.listOffsets(partition, true);
  }

  ends(partition: number): Promise<Positions> {
    return this.listOffsets(partition, false);
  }

  private async listOffsets(partition: number, fromBeginning: boolean): Promise<Positions> {
    const topics = INPUT_TOPICS.map(topic => ({
      topic: this.name(topic),
      partitions: [{ partition }],
      fromBeginning,
    }));
    const { cluster } = this.options;
    let answers;
    try {
      answers = await cluster.fetchTopicsOffset(topics);
    } catch (error) {
      // The leader may have moved.
      await cluster.refreshMetadata().catch(() => undefined);
      throw error;
    }
    return Object.fromEntries(
      INPUT_TOPICS.map(topic => {
        const answer = answers.find(one => one.topic === this.name(topic))?.partitions[0];
        if (answer === undefined)
          throw new Error(`The broker knows no offset of partition ${partition} of ${this.name(topic)}.`);
        return [topic, Number(answer.offset)];
      }),
    ) as Record<InputTopic, number>;
  }

  async read(
    partition: number,
    from: Positions,
    maxRecords: number,
    topics: readonly InputTopic[] = INPUT_TOPICS,
  ): Promise<TopicBatch[]> {
    const wanted = this.queuesOf(partition).filter(({ topic }) => topics.includes(topic));
    for (const queue of wanted) queue.goTo(from[queue.topic]);
    // Only after a jump: from then on fetches run ahead of the reads.
    while (!this.fetcher.isStopped && wanted.some(queue => queue.isOpen && !queue.isAnswered))
      await this.fetcher.nextAnswer();
    const batches: TopicBatch[] = [];
    for (const queue of wanted) batches.push(await this.pageOf(queue, maxRecords));
    return batches;
  }

  private queuesOf(partition: number): TopicQueue[] {
    let queues = this.queues.get(partition);
    if (queues === undefined) {
      queues = INPUT_TOPICS.map(topic => new TopicQueue(topic, partition));
      this.queues.set(partition, queues);
      for (const queue of queues) this.fetcher.add(queue);
    }
    return queues;
  }

  private async pageOf(queue: TopicQueue, maxRecords: number): Promise<TopicBatch> {
    if (this.options.prepare === undefined || queue.waitingRecords === 0) return queue.take(maxRecords);
    // What comes while these are prepared is not.
    const count = Math.min(maxRecords, queue.waitingRecords);
    return (await this.isPrepared(queue, queue.peek(count))) ? queue.take(count) : queue.hold();
  }

  /** A registry that is away is no fault of the records: they wait. */
  private async isPrepared(queue: TopicQueue, page: readonly LogRecord[]): Promise<boolean> {
    const { prepare, clock, onNote } = this.options;
    if ((this.heldUntil.get(queue) ?? -Infinity) > clock.now()) return false;
    try {
      await prepare!(queue.topic, values(page));
      return true;
    } catch (error) {
      onNote?.(`Records of ${queue.topic} wait: ${(error as Error).message}`);
      this.heldUntil.set(queue, clock.now() + PREPARE_RETRY_MS);
      return false;
    }
  }

  async arrival(partition: number, ms: number, signal: AbortSignal): Promise<void> {
    if (this.hasNews(partition)) return;
    const slept = new AbortController();
    const timeout = this.options.clock.sleep(ms, AbortSignal.any([signal, slept.signal]));
    const news = async (): Promise<void> => {
      while (!slept.signal.aborted && !signal.aborted && !this.fetcher.isStopped) {
        await this.fetcher.nextAnswer();
        if (this.hasNews(partition)) return;
      }
    };
    await Promise.race([timeout, news()]);
    slept.abort();
  }

  /** Something waits that can be read now; what could not be prepared waits for its time. */
  private hasNews(partition: number): boolean {
    const now = this.options.clock.now();
    return this.queuesOf(partition).some(
      queue => queue.waitingRecords > 0 && (this.heldUntil.get(queue) ?? -Infinity) <= now,
    );
  }

  append(topic: InputTopic, partition: number, records: readonly AppendRecord[]): Promise<number> {
    const key = `${topic}/${partition}`;
    const before = this.appends.get(key) ?? Promise.resolve();
    const appended = before.then(() => this.send(topic, partition, records));
    this.appends.set(
      key,
      appended.catch(() => undefined),
    );
    return appended;
  }

  private async send(
    topic: InputTopic,
    partition: number,
    records: readonly AppendRecord[],
  ): Promise<number> {
    if (records.length === 0) return (await this.ends(partition))[topic];
    let first: number | null = null;
    for (const portion of portionsOf(records, ({ value }) => value.length)) {
      const messages = portion.map(({ key, value, recordAt }) => ({
        key,
        value: asBuffer(value),
        partition,
        timestamp: String(recordAt),
      }));
      const [answer] = await this.options.producer.send({ topic: this.name(topic), messages });
      first ??= Number(answer!.baseOffset);
    }
    return first!;
  }

  async committed(partition: number): Promise<CommittedPositions | null> {
    const { cluster, groupId } = this.options;
    const coordinator = await cluster.findGroupCoordinator({ groupId });
    // Of each partition only its number is sent.
    const topics = INPUT_TOPICS.map(topic => ({ topic: this.name(topic), partitions: [{ partition }] }));
    const { responses: answers } = await coordinator.offsetFetch({
      groupId,
      topics: topics as TopicOffsets[],
    });
    const positions = {} as Record<InputTopic, number>;
    let epoch: number | undefined;
    for (const topic of INPUT_TOPICS) {
      const held = answers
        .find(one => one.topic === this.name(topic))
        ?.partitions.find(one => one.partition === partition);
      const offset = Number(held?.offset ?? -1);
      if (offset < 0) return null;
      positions[topic] = offset;
      const metadata = Number((held as { metadata?: string | null }).metadata ?? '');
      if (Number.isInteger(metadata) && metadata > 0) epoch = metadata;
    }
    return epoch === undefined ? positions : { ...positions, epoch };
  }

  /** High watermarks of the partition's topics, as the last answers had them; absent where nothing was answered yet. */
  logEnds(partition: number): Partial<Record<InputTopic, number>> {
    const known = (this.queues.get(partition) ?? []).filter(({ logEnd }) => logEnd !== null);
    return Object.fromEntries(known.map(({ topic, logEnd }) => [topic, logEnd]));
  }

  /** When a broker last answered a fetch. */
  get answeredAt(): number {
    return this.fetcher.answeredAt;
  }

  /** The process has lost the partition: what waits is somebody else's. */
  drop(partition: number): void {
    for (const queue of this.queues.get(partition) ?? []) {
      this.fetcher.remove(queue);
      this.heldUntil.delete(queue);
    }
    this.queues.delete(partition);
  }

  close(): Promise<void> {
    return this.fetcher.stop();
  }
}

function* values(records: readonly LogRecord[]): Generator<Uint8Array> {
  for (const { value, fault } of records) if (fault === undefined) yield value;
}
