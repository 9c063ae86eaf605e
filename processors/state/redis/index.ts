/** State in Redis, per partition: facts, due index, positions and the last outbox, changed by one script a batch. */
export { checkRedis } from './checks';
export type { RedisFinding } from './checks';
export { connectRedis, parseAddress } from './connect';
export type { RedisSettings } from './connect';
export type { RedisConnection } from './scripts';
export { RedisMemberMemory } from './members';
export { heldPartitions, occupiedPartitions } from './partitions';
export type { OccupiedPartition } from './partitions';
export { DamagedOutboxError, decodeOutbox } from './outbox-codec';
export { RedisStateStore } from './store';
export type { PartitionHead } from './store';
