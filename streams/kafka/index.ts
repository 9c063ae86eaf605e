/** Kafka as log and publisher: own positions, own fetching, membership by kafkajs, transactions per group. */
export { connectKafka } from './connect';
export type { KafkaNote, KafkaSettings } from './connect';
export { KafkaEventLog } from './event-log';
export { Membership } from './membership';
export type { MemberMemory } from './membership';
export { KafkaPublisher } from './publisher';
export type { Compression } from './publisher';
export { topicName } from './topic-names';
