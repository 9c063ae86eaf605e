/** Everything that topics hold for a read_committed consumer, with its headers. */
import type { Kafka } from 'kafkajs';
import { TopicReader } from '../kafka';
import type { TopicRecord } from '../kafka';

/**
 * By partition, in offset order. Not by the consumer of kafkajs: it shows records of aborted transactions when two of
 * them overlap, as they do after a broker's restart. Compared with Kafka's own consumer (read-all.test.ts), and by hand with
 * librdkafka after two restarts of the broker and two kills: the same offsets of every topic.
 */
export async function readAll(kafka: Kafka, topics: readonly string[]): Promise<TopicRecord[]> {
  const reader = await TopicReader.open(kafka, topics);
  const read: TopicRecord[] = [];
  try {
    for (const topic of topics)
      for (const stretch of await reader.stretches(topic))
        for await (const page of reader.read(stretch)) read.push(...page);
  } finally {
    await reader.close();
  }
  return read.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
