/**
 * Publisher over Kafka: mail by an idempotent producer, then messages and positions of all lanes of a group that are
 * ready in one transaction. A failure throws the producer away; the lanes then look at K (docs/delivery.md).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { EpochMs } from '../../schemas';
import { INPUT_TOPICS, OUTPUT_TOPICS } from '../../schemas';
import type { Outbox, OutgoingMessage, Publisher } from '../../processors/ports';
import { PlainProducer } from './plain-producer';
import { topicName } from './topic-names';
import { TransactionalProducer } from './transaction';
import type { CommittedOffset } from './transaction';

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4';

export interface KafkaPublisherOptions {
  kafka: Kafka;
  /** Consumer group, and start of every transactional id. */
  application: string;
  topicPrefix: string;
  /** Partitions that share a producer. */
  unitSize: number;
  compression: Compression;
  now: () => EpochMs;
  /**
   * Given: no transactions. Messages go out first, then positions are committed by this, as a member of the group; a
   * crash in between repeats messages, with the same ids and bytes.
   */
  commitOffsets?: (offsets: readonly CommittedOffset[]) => Promise<void>;
}

/** How long a transaction waits for other lanes of its group, ms. */
const GATHER_MS = 2;

/** A publisher that was overtaken, or whose last transaction ended in the dark: fence again. */
export class ProducerLostError extends Error {
  override readonly name = 'ProducerLostError';
}

export class KafkaPublisher implements Publisher {
  private readonly channels = new Map<number, GroupChannel>();
  private mail: Promise<PlainProducer> | null = null;

  constructor(private readonly options: KafkaPublisherOptions) {}

  private channelOf(partition: number): GroupChannel {
    const unit = Math.floor(partition / this.options.unitSize);
    let channel = this.channels.get(unit);
    if (channel === undefined) this.channels.set(unit, (channel = new GroupChannel(unit, this.options)));
    return channel;
  }

  fence(partition: number): Promise<void> {
    return this.channelOf(partition).fence(partition);
  }

  async publish(partition: number, outbox: Outbox): Promise<void> {
    if (outbox.mail.length > 0) await this.sendMail(outbox);
    await this.channelOf(partition).publish(partition, outbox);
  }

  /** Repeats are dropped by the target, by the position of what caused them. */
  private async sendMail({ mail }: Outbox): Promise<void> {
    this.mail ??= PlainProducer.open(this.options);
    const opening = this.mail;
    try {
      await (await opening).sendMail(mail);
    } catch (error) {
      if (this.mail === opening) this.mail = null;
      void opening.then(producer => producer.close()).catch(() => undefined);
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
    await this.mail?.then(producer => producer.close());
  }
}

/** Messages and positions, together where there are transactions. Of no more use after an error. */
interface Sender {
  send(messages: readonly OutgoingMessage[], offsets: readonly CommittedOffset[]): Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  partition: number;
  outbox: Outbox;
  resolve: () => void;
  reject: (error: Error) => void;
}

/**
 * One producer and what waits for its next transaction. Lanes share it, but not what they know: a lane that was stopped
 * between its look at token and K and its publication may have been replaced meanwhile, and a neighbour's lane may have
 * opened a newer producer since, which is nobody's zombie. So a lane publishes only with the producer that it has
 * fenced with itself, before that look.
 */
class GroupChannel {
  private sender: Promise<Sender> | null = null;
  /** The producer that was open when a partition was fenced last. */
  private readonly fencedWith = new Map<number, Promise<Sender>>();
  private waiting: Waiting[] = [];
  private isBusy = false;

  constructor(
    private readonly unit: number,
    private readonly options: KafkaPublisherOptions,
  ) {}

  /** Opens the producer unless one is open and well; the partition may publish with it. */
  async fence(partition: number): Promise<void> {
    this.sender ??= openSender(this.unit, this.options);
    const opening = this.sender;
    try {
      await opening;
      this.fencedWith.set(partition, opening);
    } catch (error) {
      if (this.sender === opening) this.sender = null;
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
    // The others of the group are ready in nearly the same moment: from then on they keep step.
    if (this.options.unitSize > 1) await delay(GATHER_MS);
    while (this.waiting.length > 0) {
      const batch = this.takeFenced();
      if (batch.length === 0) continue;
      try {
        await this.send(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error as Error);
      }
    }
    this.isBusy = false;
  }

  /** What waits, without those whose lane knows another producer: they are turned away. */
  private takeFenced(): Waiting[] {
    const { sender, fencedWith, unit } = this;
    const taken: Waiting[] = [];
    for (const one of this.waiting)
      if (sender !== null && fencedWith.get(one.partition) === sender) taken.push(one);
      else
        one.reject(
          new ProducerLostError(
            `The producer of group ${unit} is not the one that partition ${one.partition} knows: it must be fenced first.`,
          ),
        );
    this.waiting = [];
    return taken;
  }

  private async send(batch: readonly Waiting[]): Promise<void> {
    const opened = this.sender!;
    try {
      const messages = batch.flatMap(({ outbox }) => outbox.messages);
      await (await opened).send(messages, positionsOf(batch, this.options.topicPrefix));
    } catch (error) {
      // Nothing is known of the outcome, and the producer can't be used any more.
      if (this.sender === opened) this.sender = null;
      void opened.then(sender => sender.close()).catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    const opened = this.sender;
    this.sender = null;
    this.fencedWith.clear();
    await opened?.then(sender => sender.close()).catch(() => undefined);
  }
}

async function openSender(unit: number, options: KafkaPublisherOptions): Promise<Sender> {
  const { application, topicPrefix, commitOffsets } = options;
  if (commitOffsets === undefined) {
    const topics = OUTPUT_TOPICS.map(topic => topicName(topicPrefix, topic));
    const producer = await TransactionalProducer.open({
      ...options,
      transactionalId: `${application}-${unit}`,
      groupId: application,
      topics,
    });
    return {
      send: (messages, offsets) => producer.transact(messages, offsets),
      close: () => producer.close(),
    };
  }
  const producer = await PlainProducer.open(options);
  return {
    send: async (messages, offsets) => {
      await producer.send(messages);
      await commitOffsets(offsets);
    },
    close: () => producer.close(),
  };
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
