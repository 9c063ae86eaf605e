/** Log and publishers over topics of their own, on the broker of a test, put together as a processor does. */
import { randomUUID } from 'node:crypto';
import { Partitioners } from 'kafkajs';
import type { Admin, ITopicConfig, Kafka } from 'kafkajs';
import type { Clock } from '../../../processors/ports';
import type { InputTopic } from '../../../schemas';
import { DAY_MS, INPUT_TOPICS } from '../../../schemas';
import { connectKafka } from '../connect';
import { KafkaEventLog } from '../event-log';
import type { KafkaLogOptions } from '../event-log';
import { KafkaPublisher } from '../publisher';
import type { KafkaPublisherOptions } from '../publisher';
import { createTopics } from '../topic-create';
import { topicName } from '../topic-names';
import { connectCluster } from '../wire/cluster';
import { makeTopic } from './make-topic';

export interface KafkaWorld {
  kafka: Kafka;
  admin: Admin;
  /** Consumer group, and start of the transactional ids. */
  application: string;
  topicPrefix: string;
  log: KafkaEventLog;
  /** One more process that publishes; closed with the world. */
  publisher: (more?: Partial<KafkaPublisherOptions>) => KafkaPublisher;
  trim: (topic: InputTopic, partition: number, offset: number) => Promise<void>;
  close: () => Promise<void>;
}

export interface WorldOptions {
  clock: Clock;
  prepare?: KafkaLogOptions['prepare'];
}

const ordersOfAnySize = (topicPrefix: string): ITopicConfig => ({
  topic: topicName(topicPrefix, 'orders'),
  numPartitions: 2,
  replicationFactor: 1,
  configEntries: [
    { name: 'max.message.bytes', value: '3000000' },
    { name: 'message.timestamp.type', value: 'CreateTime' },
    { name: 'retention.ms', value: '-1' },
  ],
});

/** A new broker loads what groups have committed first; lanes have patience for that. */
async function untilCoordinated(log: KafkaEventLog, clock: Clock): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      await log.committed(0);
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await clock.sleep(100);
    }
}

/** Two partitions, times as the records say; orders may have three megabytes. */
export async function openKafkaWorld(
  brokers: readonly string[],
  { clock, prepare }: WorldOptions,
): Promise<KafkaWorld> {
  const application = `test-${randomUUID().slice(0, 8)}`;
  const topicPrefix = `${application}-`;
  const kafka = connectKafka({
    brokers,
    clientId: application,
    tls: false,
    tlsCaFile: '',
    sasl: null,
    topicPrefix,
  });
  const admin = kafka.admin();
  await admin.connect();
  const topics = {
    prefix: topicPrefix,
    partitions: 2,
    replication: 1,
    rawRetentionMs: DAY_MS,
    timestamps: 'any' as const,
    maxMessageBytes: 1_000_000,
  };
  await makeTopic(admin, ordersOfAnySize(topicPrefix));
  await createTopics(admin, topics, { alter: false, dryRun: false });
  const { cluster, disconnect } = await connectCluster(
    kafka,
    INPUT_TOPICS.map(topic => topicName(topicPrefix, topic)),
  );
  const producer = kafka.producer({
    idempotent: true,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const log = new KafkaEventLog({
    cluster,
    producer,
    groupId: application,
    partitions: 2,
    clock,
    settings: { topicPrefix },
    ...(prepare === undefined ? {} : { prepare }),
  });
  await untilCoordinated(log, clock);
  const publishers: KafkaPublisher[] = [];
  return {
    kafka,
    admin,
    application,
    topicPrefix,
    log,
    publisher: more => {
      const publisher = new KafkaPublisher({
        kafka,
        application,
        topicPrefix,
        unitSize: 2,
        compression: 'lz4',
        now: () => clock.now(),
        ...more,
      });
      publishers.push(publisher);
      return publisher;
    },
    trim: async (topic, partition, offset) => {
      const name = topicName(topicPrefix, topic);
      // Else the client may not know the leader yet, and does not ask.
      await admin.fetchTopicOffsets(name);
      await admin.deleteTopicRecords({ topic: name, partitions: [{ partition, offset: String(offset) }] });
    },
    close: async () => {
      await Promise.all(publishers.map(publisher => publisher.close()));
      await log.close();
      await producer.disconnect();
      await disconnect();
      await admin.disconnect();
    },
  };
}
