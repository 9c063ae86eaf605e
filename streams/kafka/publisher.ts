/**
 * Publisher over Kafka: mail by an idempotent producer, then messages and positions of all lanes of a group that are
 * ready in one transaction. A failure throws the producer away; the lanes then look at K (docs/delivery.md).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Partitioners } from 'kafkajs';
import type { Kafka, Message, Offsets, Producer, Transaction } from 'kafkajs';
import { INPUT_TOPICS } from '../../schemas';
import type { Outbox, Publisher } from '../../processors/ports';
import { asBuffer, COMPRESSION, portionsOf, SEND_RETRY } from './sending';
import { topicName } from './topic-names';

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4';

export interface KafkaPublisherOptions {
  kafka: Kafka;
  /** Consumer group, and start of every transactional id. */
  application: string;
  topicPrefix: string;
  /** Partitions that share a producer. */
  unitSize: number;
  compression?: Compression;
  /**
   * Given: no transactions. Messages go out first, then positions are committed by this, as a member of the group; a
   * crash in between repeats messages, with the same ids and bytes.
   */
  commitOffsets?: (offsets: readonly CommittedOffset[]) => Promise<void>;
}

export interface CommittedOffset {
  topic: string;
  partition: number;
  offset: string;
  metadata: string;
}

const TRANSACTION_TIMEOUT_MS = 60_000;

/**
 * The broker answers CONCURRENT_TRANSACTIONS while the last transaction completes, and kafkajs would wait 300 ms: with
 * these waits 500 messages take 12 ms at the median instead of 386.
 */
const TRANSACTION_RETRY = { initialRetryTime: 5, multiplier: 1.5, maxRetryTime: 200, retries: 20 };
/** A publisher that was overtaken, or whose last transaction ended in the dark: fence again. */
export class ProducerLostError extends Error {
  override readonly name = 'ProducerLostError';
}

export class KafkaPublisher implements Publisher {
  private readonly channels = new Map<number, GroupChannel>();
  private mail: Promise<Producer> | null = null;

  constructor(private readonly options: KafkaPublisherOptions) {}

  private channelOf(partition: number): GroupChannel {
    const unit = Math.floor(partition / this.options.unitSize);
    let channel = this.channels.get(unit);
    if (channel === undefined) this.channels.set(unit, (channel = new GroupChannel(unit, this.options)));
    return channel;
  }

  fence(partition: number): Promise<void> {
    return this.channelOf(partition).fence();
  }

  async publish(partition: number, outbox: Outbox): Promise<void> {
    if (outbox.mail.length > 0) await this.sendMail(outbox);
    await this.channelOf(partition).publish(partition, outbox);
  }

  /** Repeats are dropped by the target, by the position of what caused them. */
  private async sendMail({ mail }: Outbox): Promise<void> {
    const topic = topicName(this.options.topicPrefix, 'customer-mail');
    const compression = COMPRESSION[this.options.compression ?? 'none'];
    this.mail ??= openMailProducer(this.options.kafka);
    const opening = this.mail;
    try {
      const producer = await opening;
      for (const portion of portionsOf(mail, ({ value }) => value.length)) {
        const messages = portion.map(({ to, partition, recordAt, value }) => ({
          key: to,
          value: asBuffer(value),
          partition,
          timestamp: String(recordAt),
        }));
        await producer.send({ topic, messages, compression });
      }
    } catch (error) {
      // A sequence that broke stays broken.
      if (this.mail === opening) this.mail = null;
      void opening.then(producer => producer.disconnect()).catch(() => undefined);
      throw error;
    }
  }

  /** The group has gone elsewhere. */
  async drop(partition: number): Promise<void> {
    const unit = Math.floor(partition / this.options.unitSize);
    const channel = this.channels.get(unit);
    this.channels.delete(unit);
    await channel?.close();
  }

  async close(): Promise<void> {
    const channels = [...this.channels.values()];
    this.channels.clear();
    await Promise.all(channels.map(channel => channel.close()));
    await this.mail?.then(producer => producer.disconnect());
  }
}

async function openMailProducer(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: SEND_RETRY,
  });
  await producer.connect();
  return producer;
}

interface Waiting {
  partition: number;
  outbox: Outbox;
  resolve: () => void;
  reject: (error: Error) => void;
}

/** One transactional producer and what waits for its next transaction. */
class GroupChannel {
  private producer: Promise<Producer> | null = null;
  private waiting: Waiting[] = [];
  private isBusy = false;

  constructor(
    private readonly unit: number,
    private readonly options: KafkaPublisherOptions,
  ) {}

  /** Opens the producer unless one is open and well. */
  async fence(): Promise<void> {
    this.producer ??= this.open();
    const opening = this.producer;
    try {
      await opening;
    } catch (error) {
      if (this.producer === opening) this.producer = null;
      throw error;
    }
  }

  private async open(): Promise<Producer> {
    const { kafka, application, commitOffsets } = this.options;
    const transactional = commitOffsets === undefined;
    const producer = kafka.producer({
      ...(transactional ? { transactionalId: `${application}-${this.unit}` } : {}),
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: TRANSACTION_RETRY,
    });
    try {
      await producer.connect();
      // Only this makes kafkajs send InitProducerId, which fences whoever published before and ends what it left open.
      if (transactional) await (await producer.transaction()).abort();
      return producer;
    } catch (error) {
      void producer.disconnect().catch(() => undefined);
      throw error;
    }
  }

  publish(partition: number, outbox: Outbox): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ partition, outbox, resolve, reject });
      if (!this.isBusy) void this.work();
    });
  }

  /** Everything that waits goes into one transaction; what comes meanwhile into the next. */
  private async work(): Promise<void> {
    this.isBusy = true;
    // The others of the group are often ready in the same moment.
    await new Promise(setImmediate);
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        await this.transact(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error as Error);
      }
    }
    this.isBusy = false;
  }

  private async transact(batch: readonly Waiting[]): Promise<void> {
    const opened = this.producer;
    if (opened === null)
      throw new ProducerLostError(`Group ${this.unit} has no producer: it must be fenced first.`);
    try {
      await this.sendAll(await opened, batch);
    } catch (error) {
      // Nothing is known of the outcome, and the producer can't be used any more.
      if (this.producer === opened) this.producer = null;
      void opened.then(producer => producer.disconnect()).catch(() => undefined);
      throw error;
    }
  }

  private async sendAll(producer: Producer, batch: readonly Waiting[]): Promise<void> {
    const { application, topicPrefix, commitOffsets } = this.options;
    const offsets = positionsOf(batch, topicPrefix);
    if (commitOffsets !== undefined) {
      for (const { outbox } of batch) await this.sendMessages(producer, outbox);
      await commitOffsets(offsets);
      return;
    }
    const transaction = await producer.transaction();
    for (const { outbox } of batch) await this.sendMessages(transaction, outbox);
    await sendOffsets(transaction, { consumerGroupId: application, ...byTopic(offsets) });
    await transaction.commit();
  }

  private async sendMessages(sender: Pick<Transaction, 'sendBatch'>, { messages }: Outbox): Promise<void> {
    const { topicPrefix, compression = 'none' } = this.options;
    for (const portion of portionsOf(messages, ({ value }) => value?.length ?? 0)) {
      const held = new Map<string, Message[]>();
      for (const { topic, key, value, headers } of portion) {
        const name = topicName(topicPrefix, topic);
        const message = { key, value: value === null ? null : asBuffer(value), headers };
        const before = held.get(name);
        if (before === undefined) held.set(name, [message]);
        else before.push(message);
      }
      const topicMessages = [...held].map(([topic, all]) => ({ topic, messages: all }));
      await sender.sendBatch({ topicMessages, compression: COMPRESSION[compression] });
    }
  }

  async close(): Promise<void> {
    const opened = this.producer;
    this.producer = null;
    await opened?.then(producer => producer.disconnect()).catch(() => undefined);
  }
}

/** The broker may still be completing the transaction before; kafkajs asks again for messages, not for offsets. */
async function sendOffsets(
  transaction: Transaction,
  offsets: Parameters<Transaction['sendOffsets']>[0],
): Promise<void> {
  const { initialRetryTime, multiplier, maxRetryTime, retries } = TRANSACTION_RETRY;
  for (
    let attempt = 0, wait = initialRetryTime;
    ;
    attempt++, wait = Math.min(maxRetryTime, wait * multiplier)
  )
    try {
      return await transaction.sendOffsets(offsets);
    } catch (error) {
      if ((error as { type?: string }).type !== 'CONCURRENT_TRANSACTIONS' || attempt >= retries) throw error;
      await delay(wait);
    }
}

/** Of all lanes; the epoch of each travels as the commit's metadata. */
const positionsOf = (batch: readonly Waiting[], topicPrefix: string): CommittedOffset[] =>
  batch.flatMap(({ partition, outbox }) =>
    INPUT_TOPICS.map(topic => ({
      topic: topicName(topicPrefix, topic),
      partition,
      offset: String(outbox.to[topic]),
      metadata: String(outbox.epoch),
    })),
  );

function byTopic(offsets: readonly CommittedOffset[]): Offsets {
  const topics = new Map<string, Omit<CommittedOffset, 'topic'>[]>();
  for (const { topic, ...rest } of offsets) topics.set(topic, [...(topics.get(topic) ?? []), rest]);
  return { topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })) };
}
