/** Everything that a topic holds for a read_committed consumer, by the plain consumer of kafkajs: not our own reader. */
import { randomUUID } from 'node:crypto';
import type { Kafka, KafkaMessage } from 'kafkajs';

export interface ReadMessage {
  topic: string;
  partition: number;
  message: KafkaMessage;
}

/** In offset order by partition. @throws when the ends are not reached in time */
export async function readAll(kafka: Kafka, topics: readonly string[], ms = 60_000): Promise<ReadMessage[]> {
  const admin = kafka.admin();
  await admin.connect();
  const left = new Map<string, number>();
  for (const topic of topics)
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic))
      if (Number(high) > Number(low)) left.set(`${topic}/${partition}`, Number(high));
  const groupId = `read-all-${randomUUID()}`;
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  const read: ReadMessage[] = [];
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        const missing = [...left].map(([name, end]) => `${name} to ${end}`).join(', ');
        reject(new Error(`The ends were not reached: ${missing}.`));
      }, ms);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      if (left.size === 0) done();
      // Markers and aborted records never reach the handler; their offsets come here.
      consumer.on('consumer.end_batch_process', ({ payload }) => {
        const name = `${payload.topic}/${payload.partition}`;
        const end = left.get(name);
        if (end !== undefined && Number(payload.lastOffset) + 1 >= end) left.delete(name);
        if (left.size === 0) done();
      });
      consumer
        .run({
          autoCommit: false,
          eachBatch: ({ batch: { topic, partition, messages } }) => {
            for (const message of messages) read.push({ topic, partition, message });
            return Promise.resolve();
          },
        })
        .catch(reject);
    });
  } finally {
    await consumer.disconnect();
    await admin.deleteGroups([groupId]).catch(() => undefined);
    await admin.disconnect();
  }
  return read.sort(
    (a, b) => a.partition - b.partition || Number(a.message.offset) - Number(b.message.offset),
  );
}
