/** Producers without transactions: mail, and everything where transactions are switched off. */
import { Partitioners } from 'kafkajs';
import type { Kafka, Message, Producer } from 'kafkajs';
import type { OutgoingMail, OutgoingMessage } from '../../processors/ports';
import type { Compression } from './publisher';
import { asBuffer, COMPRESSION, portionsOf, SEND_RETRY } from './sending';
import { topicName } from './topic-names';

export interface PlainProducerOptions {
  kafka: Kafka;
  topicPrefix: string;
  compression: Compression;
}

/** Idempotent; after an error it is of no more use: a sequence that broke stays broken. */
export class PlainProducer {
  private constructor(
    private readonly producer: Producer,
    private readonly options: PlainProducerOptions,
  ) {}

  static async open(options: PlainProducerOptions): Promise<PlainProducer> {
    const producer = options.kafka.producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: SEND_RETRY,
    });
    await producer.connect();
    return new PlainProducer(producer, options);
  }

  async sendMail(mail: readonly OutgoingMail[]): Promise<void> {
    const { topicPrefix, compression } = this.options;
    const topic = topicName(topicPrefix, 'customer-mail');
    for (const portion of portionsOf(mail, ({ value }) => value.length)) {
      const messages = portion.map(({ to, partition, recordAt, value }) => ({
        key: to,
        value: asBuffer(value),
        partition,
        timestamp: String(recordAt),
      }));
      await this.producer.send({ topic, messages, compression: COMPRESSION[compression] });
    }
  }

  async send(all: readonly OutgoingMessage[]): Promise<void> {
    const { topicPrefix, compression } = this.options;
    for (const portion of portionsOf(all, ({ value }) => value?.length ?? 0)) {
      const topics = new Map<string, Message[]>();
      for (const { topic, key, value, headers } of portion) {
        const name = topicName(topicPrefix, topic);
        const message = { key, value: value === null ? null : asBuffer(value), headers };
        topics.set(name, [...(topics.get(name) ?? []), message]);
      }
      const topicMessages = [...topics].map(([topic, messages]) => ({ topic, messages }));
      await this.producer.sendBatch({ topicMessages, compression: COMPRESSION[compression] });
    }
  }

  close(): Promise<void> {
    return this.producer.disconnect();
  }
}
