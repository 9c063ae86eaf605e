/** What the lanes of a processor work with: log, publisher, state and codec. */
import type { Kafka, Producer } from 'kafkajs';
import { Partitioners } from 'kafkajs';
import type { Clock } from '../../processors/ports';
import { RedisStateStore } from '../../processors/state/redis';
import { KafkaEventLog, KafkaPublisher, topicName } from '../../streams/kafka';
import type { Compression, Membership, SendStep } from '../../streams/kafka';
import type { Settings } from '../settings';
import { openCodec } from './codec';
import type { PreparedCodec } from './codec';
import type { GroupMember } from './group-member';

export interface LanePorts {
  log: KafkaEventLog;
  publisher: KafkaPublisher;
  store: RedisStateStore;
  codec: PreparedCodec;
}

interface LanePortsOptions {
  settings: Settings;
  clock: Clock;
  onNote: (line: string) => void;
  onSend?: (step: SendStep) => void | Promise<void>;
}

/** Closed with the member. @throws CliError registry-unreachable, registry-refused, schemas-unregistered */
export async function openLanePorts(member: GroupMember, options: LanePortsOptions): Promise<LanePorts> {
  const { settings, clock, onNote } = options;
  const { redis, kafka, membership, closers } = member;
  const application = settings['kafka.application'];
  const topicPrefix = settings['kafka.topicPrefix'];
  const codec = await openCodec(settings, clock);
  const producer = openProducer(kafka);
  closers.push(() => producer.disconnect());
  await producer.connect();
  const log = new KafkaEventLog({
    cluster: membership.cluster,
    producer,
    groupId: application,
    partitions: await countPartitions(membership, topicPrefix),
    clock,
    settings: { topicPrefix },
    ...(codec.prepare === undefined ? {} : { prepare: codec.prepare.bind(codec) }),
    onNote,
  });
  closers.push(() => log.close());
  const publisher = openPublisher(member, options);
  closers.push(() => publisher.close());
  return { log, publisher, store: new RedisStateStore(redis, application), codec };
}

const openPublisher = (
  { kafka, membership }: GroupMember,
  { settings, clock, onSend }: LanePortsOptions,
): KafkaPublisher =>
  new KafkaPublisher({
    kafka,
    application: settings['kafka.application'],
    topicPrefix: settings['kafka.topicPrefix'],
    unitSize: settings['kafka.groupPartitions'],
    compression: settings['kafka.compression'] as Compression,
    now: () => clock.now(),
    ...(onSend === undefined ? {} : { onStep: onSend }),
    ...(settings['kafka.transactions'] === 'on' ? {} : { generation: () => membership.generation() }),
  });

const openProducer = (kafka: Kafka): Producer =>
  kafka.producer({
    idempotent: true,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { initialRetryTime: 20, multiplier: 2, maxRetryTime: 1_000, retries: 8 },
  });

/** Of every input: that they agree was checked when the member connected. */
async function countPartitions({ cluster }: Membership, topicPrefix: string): Promise<number> {
  await cluster.refreshMetadata();
  return cluster.findTopicPartitionMetadata(topicName(topicPrefix, 'web-events')).length;
}
