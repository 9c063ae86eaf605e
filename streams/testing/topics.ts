/** All topics of a cluster under a prefix, as `rescore topics create` makes them. */
import type { Kafka } from 'kafkajs';
import { DAY_MS } from '../../schemas';
import { createTopics } from '../kafka';

export async function makeTopics(kafka: Kafka, prefix: string, partitions: number): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const topics = {
    prefix,
    partitions,
    replication: 1,
    rawRetentionMs: 14 * DAY_MS,
    timestamps: 'log-append' as const,
    maxMessageBytes: 1_000_000,
  };
  await createTopics(admin, topics, { alter: false, dryRun: false });
  await admin.disconnect();
}
