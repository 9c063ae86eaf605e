/** What the state holds beside what the group has committed, without a claim that would change either. */
import type { Kafka } from 'kafkajs';
import { keysOf } from '../../processors/state/redis/keys';
import type { RedisConnection } from '../../processors/state/redis';
import { INPUT_TOPICS } from '../../schemas';

export interface PositionsOptions {
  kafka: Kafka;
  redis: RedisConnection;
  application: string;
  topicPrefix: string;
  partitions: number;
}

/** How many positions differ. */
export async function disagreements(options: PositionsOptions): Promise<number> {
  const { kafka, redis, application, topicPrefix, partitions } = options;
  const admin = kafka.admin();
  await admin.connect();
  const topics = INPUT_TOPICS.map(topic => topicPrefix + topic);
  const committed = await admin.fetchOffsets({ groupId: application, topics });
  await admin.disconnect();
  let count = 0;
  for (let partition = 0; partition < partitions; partition++) {
    const text = await redis.hget(keysOf(application, partition).meta, 'positions');
    const stored = JSON.parse(text ?? '[]') as number[];
    for (const [at, topic] of topics.entries()) {
      const of = committed.find(one => one.topic === topic)?.partitions;
      if (Number(of?.find(one => one.partition === partition)?.offset) !== stored[at]) count++;
    }
  }
  return count;
}
