/**
 * Sends inputs to their topics in the order in which they are given: in batches of a size that the client handles
 * well, one batch under way while the next is filled. Keys go where Java clients put them.
 */
import { Partitioners } from 'kafkajs';
import type { IHeaders, Kafka, Message, Producer } from 'kafkajs';
import type { EpochMs, InputTopic } from '../../schemas';
import { partitionOf } from '../partitioner';
import type { Compression } from './publisher';
import { asBuffer, BYTES_A_SEND, COMPRESSION, MESSAGES_A_SEND, SEND_RETRY } from './sending';
import { topicName } from './topic-names';

export interface InputRecord {
  topic: InputTopic;
  /** null: none; the partition must be given then. */
  key: string | null;
  value: Uint8Array;
  /** Kept where the topic says CreateTime; null: now. */
  recordAt: EpochMs | null;
  /** Where the key would put it when left out. */
  partition?: number;
  headers?: IHeaders;
}

export interface InputSenderOptions {
  topicPrefix: string;
  /** Of every input. */
  partitions: number;
  compression: Compression;
}

/** A batch that does not fill is sent after this, ms. */
const LINGER_MS = 100;

export class InputSender {
  /** Acknowledged by the brokers. */
  sent = 0;
  private batch = new Map<InputTopic, Message[]>();
  private messages = 0;
  private bytes = 0;
  private timer: NodeJS.Timeout | null = null;
  private inFlight: Promise<void> = Promise.resolve();

  private constructor(
    private readonly producer: Producer,
    private readonly options: InputSenderOptions,
  ) {}

  static async open(kafka: Kafka, options: InputSenderOptions): Promise<InputSender> {
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: SEND_RETRY,
    });
    await producer.connect();
    return new InputSender(producer, options);
  }

  /** Waits only while two batches are full. Rejects with what an earlier batch was refused for. */
  async add({ topic, key, value, recordAt, partition, headers }: InputRecord): Promise<void> {
    if (this.messages > 0 && this.bytes + value.length > BYTES_A_SEND) await this.flush();
    let messages = this.batch.get(topic);
    if (messages === undefined) this.batch.set(topic, (messages = []));
    messages.push({
      key,
      value: asBuffer(value),
      partition: partition ?? partitionOf(key ?? '', this.options.partitions),
      ...(headers === undefined ? {} : { headers }),
      ...(recordAt === null ? {} : { timestamp: String(recordAt) }),
    });
    this.messages++;
    this.bytes += value.length;
    if (this.messages >= MESSAGES_A_SEND) await this.flush();
    else this.timer ??= setTimeout(() => this.startSending(), LINGER_MS);
  }

  /** Sends what waits; resolves when the batch before it is acknowledged. */
  private async flush(): Promise<void> {
    const before = this.inFlight;
    this.startSending();
    await before;
  }

  private startSending(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.messages === 0) return;
    const { batch, messages } = this;
    [this.batch, this.messages, this.bytes] = [new Map(), 0, 0];
    this.inFlight = this.inFlight.then(() => this.send(batch, messages));
    // Whoever adds or closes next hears of it.
    this.inFlight.catch(() => undefined);
  }

  private async send(batch: ReadonlyMap<InputTopic, Message[]>, count: number): Promise<void> {
    const { topicPrefix, compression } = this.options;
    await this.producer.sendBatch({
      compression: COMPRESSION[compression],
      topicMessages: [...batch].map(([topic, messages]) => ({
        topic: topicName(topicPrefix, topic),
        messages,
      })),
    });
    this.sent += count;
  }

  /** Sends what waits and disconnects. Rejects when anything was refused. */
  async close(): Promise<void> {
    try {
      this.startSending();
      await this.inFlight;
    } finally {
      await this.producer.disconnect();
    }
  }
}
