/** Topics of a real broker for tests of commands, and a way to look at what is in them. */
import { randomUUID } from 'node:crypto';
import type { Admin, Kafka } from 'kafkajs';
import { connectKafka, TopicReader, topicName } from '../../streams/kafka';
import type { InputTopic, OutputTopic } from '../../schemas';

/** Known once the broker has started. */
export type Brokers = () => readonly string[];

export interface StoredRecord {
  partition: number;
  offset: number;
  timestamp: number;
  key: string;
  value: Buffer | null;
  headers: Record<string, string>;
}

/** Topics of one test file, under a prefix of their own. */
export class TestCluster {
  readonly prefix = `test-${randomUUID().slice(0, 8)}.`;

  constructor(private readonly brokers: Brokers) {}

  get kafka(): Kafka {
    return connectKafka({
      brokers: this.brokers(),
      clientId: 'tests',
      tls: false,
      tlsCaFile: '',
      sasl: null,
      topicPrefix: this.prefix,
    });
  }

  /** Settings of a command that is to use these topics. */
  env(more: Record<string, string> = {}): Record<string, string> {
    return {
      RESCORE_KAFKA_BROKERS: this.brokers().join(','),
      RESCORE_KAFKA_TOPIC_PREFIX: this.prefix,
      RESCORE_KAFKA_PARTITIONS: '4',
      RESCORE_REGISTRY_URL: '',
      ...more,
    };
  }

  name(topic: InputTopic | OutputTopic): string {
    return topicName(this.prefix, topic);
  }

  async withAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }

  /** All committed records of a topic, partition by partition. */
  async recordsOf(topic: InputTopic | OutputTopic): Promise<StoredRecord[]> {
    const reader = await TopicReader.open(this.kafka, [this.name(topic)]);
    const records: StoredRecord[] = [];
    try {
      for (const stretch of await reader.stretches(this.name(topic)))
        for await (const page of reader.read(stretch))
          records.push(
            ...page.map(({ headers, ...record }) => ({
              ...record,
              headers: Object.fromEntries((headers ?? []).map(([name, value]) => [name, String(value)])),
            })),
          );
    } finally {
      await reader.close();
    }
    return records;
  }

  async remove(): Promise<void> {
    await this.withAdmin(async admin => {
      const topics = (await admin.listTopics()).filter(topic => topic.startsWith(this.prefix));
      if (topics.length > 0) await admin.deleteTopics({ topics });
    });
  }
}
