/** Kafka as log and publisher: own positions, own fetching, membership by kafkajs, transactions per group. */
export { connectKafka } from './connect';
export type { KafkaNote, KafkaSettings } from './connect';
export { KafkaEventLog } from './event-log';
export { InputSender } from './input-sender';
export type { InputRecord } from './input-sender';
export { Membership } from './membership';
export type { MemberMemory } from './membership';
export { KafkaPublisher } from './publisher';
export type { Compression } from './publisher';
export { TopicReader } from './topic-reader';
export type { RecordLookup, TopicRecord } from './topic-reader';
export { topicName } from './topic-names';
export { checkTopics } from './topic-check';
export type { Finding } from './topic-check';
export { createTopics } from './topic-create';
export type { TopicAction, TopicChange } from './topic-create';
export { readTopics } from './topic-reading';
export type { TopicSettings } from './topics';
