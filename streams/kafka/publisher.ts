/**
 * Publisher over Kafka: mail by an idempotent producer, then messages and positions of all lanes of a group that are
 * ready in one transaction. A failure throws the producer away; the lanes then look at K (docs/delivery.md).
 */
import type { Kafka } from 'kafkajs';
import type { EpochMs } from '../../schemas';
import { INPUT_TOPICS, OUTPUT_TOPICS } from '../../schemas';
import type { Outbox, Publisher } from '../../processors/ports';
import type { Generation } from './generation';
import { GroupChannel } from './group-channel';
import type { Publication, Sender } from './group-channel';
import { PlainProducer } from './plain-producer';
import { topicName } from './topic-names';
import { TransactionalProducer } from './transaction';
import type { CommittedOffset, LaneShare, SendStep } from './transaction';

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
  /** Before a publication goes on from a step: for tests that stop or kill the process there. */
  onStep?: (step: SendStep) => void | Promise<void>;
  /**
   * Given: no transactions. Messages go out first, then positions are committed in the present generation of the group;
   * a crash in between repeats messages, with the same ids and bytes. @throws ProducerLostError while there is none
   */
  generation?: () => Generation;
}

export class KafkaPublisher implements Publisher {
  private readonly channels = new Map<number, GroupChannel>();
  private mail: Promise<PlainProducer> | null = null;

  constructor(private readonly options: KafkaPublisherOptions) {}

  private unitOf(partition: number): number {
    return Math.floor(partition / this.options.unitSize);
  }

  private channelOf(partition: number): GroupChannel {
    const unit = this.unitOf(partition);
    let channel = this.channels.get(unit);
    if (channel === undefined) {
      channel = new GroupChannel(unit, () => openSender(unit, this.options));
      this.channels.set(unit, channel);
    }
    return channel;
  }

  announce(partition: number): void {
    this.channels.get(this.unitOf(partition))?.announce(partition);
  }

  fence(partition: number): Promise<void> {
    return this.channelOf(partition).fence(partition);
  }

  async publish(partition: number, outbox: Outbox): Promise<void> {
    if (outbox.mail.length > 0) {
      await this.sendMail(outbox);
      await this.options.onStep?.('mailed');
    }
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
    const unit = this.unitOf(partition);
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

const openSender = (unit: number, options: KafkaPublisherOptions): Promise<Sender> =>
  options.generation === undefined
    ? openTransactional(unit, options)
    : openPlain(options.generation(), options);

async function openTransactional(unit: number, options: KafkaPublisherOptions): Promise<Sender> {
  const { application, topicPrefix } = options;
  const topics = OUTPUT_TOPICS.map(topic => topicName(topicPrefix, topic));
  const producer = await TransactionalProducer.open({
    ...options,
    transactionalId: `${application}-${unit}`,
    groupId: application,
    topics,
  });
  return {
    begin: partitions => producer.begin(partitions),
    send: batch => producer.transact(batch.map(one => shareOf(one, topicPrefix))),
    settle: () => producer.settle(),
    close: () => producer.close(),
  };
}

/** Of this generation of the group: behind the next join lanes are fenced again, and look at K. */
async function openPlain(generation: Generation, options: KafkaPublisherOptions): Promise<Sender> {
  const producer = await PlainProducer.open(options);
  return {
    send: async batch => {
      const positions = batch.flatMap(one => positionsOf(one, options.topicPrefix));
      // What can't be committed would only be repeated.
      generation.check(positions);
      await producer.send(batch.flatMap(({ outbox }) => outbox.messages));
      await generation.commit(positions);
    },
    settle: async () => generation.check([]),
    close: () => producer.close(),
  };
}

const shareOf = (publication: Publication, topicPrefix: string): LaneShare => ({
  partition: publication.partition,
  messages: publication.outbox.messages,
  offsets: positionsOf(publication, topicPrefix),
});

/** The epoch of the lane travels as the commit's metadata. */
const positionsOf = ({ partition, outbox }: Publication, topicPrefix: string): CommittedOffset[] =>
  INPUT_TOPICS.map(topic => ({
    topic: topicName(topicPrefix, topic),
    partition,
    offset: String(outbox.to[topic]),
    metadata: String(outbox.epoch),
  }));
