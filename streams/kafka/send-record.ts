/** One record to an input topic, for commands that want to know where it stands. */
import { Partitioners } from 'kafkajs';
import type { Kafka } from 'kafkajs';
import type { EpochMs } from '../../schemas';
import { asBuffer, SEND_RETRY } from './sending';

export interface RecordToSend {
  /** Name in the cluster, with the prefix. */
  topic: string;
  partition: number;
  key: string;
  value: Uint8Array;
  /** Kept where the topic says CreateTime. */
  recordAt: EpochMs;
}

/** Offset of the record, and its timestamp as readers see it. @throws what kafkajs throws */
export async function sendRecord(
  kafka: Kafka,
  { topic, partition, key, value, recordAt }: RecordToSend,
): Promise<{ offset: number; recordAt: EpochMs }> {
  const producer = kafka.producer({
    idempotent: true,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: SEND_RETRY,
  });
  await producer.connect();
  try {
    const message = { key, value: asBuffer(value), partition, timestamp: String(recordAt) };
    const [answer] = await producer.send({ topic, messages: [message] });
    // -1 where the topic keeps the producer's own.
    const appendedAt = Number(answer!.logAppendTime ?? -1);
    return { offset: Number(answer!.baseOffset), recordAt: appendedAt < 0 ? recordAt : appendedAt };
  } finally {
    await producer.disconnect();
  }
}
