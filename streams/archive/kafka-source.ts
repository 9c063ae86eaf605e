/** The input topics of a cluster, as the archive reads them. */
import type { Kafka } from 'kafkajs';
import type { ArchivedTopic } from '../../schemas';
import { ARCHIVED_TOPICS } from '../../schemas';
import { TopicReader, topicName } from '../kafka';
import type { ArchivedRow } from './container';
import { ArchiveGapError } from './errors';
import type { ArchiveSource, HeldRange } from './source';

export class KafkaSource implements ArchiveSource {
  private constructor(
    private readonly reader: TopicReader,
    private readonly prefix: string,
  ) {}

  /** @throws what kafkajs throws */
  static async open(kafka: Kafka, topicPrefix: string): Promise<KafkaSource> {
    const names = ARCHIVED_TOPICS.map(topic => topicName(topicPrefix, topic));
    return new KafkaSource(await TopicReader.open(kafka, names), topicPrefix);
  }

  private name(topic: ArchivedTopic): string {
    return topicName(this.prefix, topic);
  }

  partitions(topic: ArchivedTopic): number {
    return this.reader.partitions(this.name(topic));
  }

  async held(topic: ArchivedTopic): Promise<HeldRange[]> {
    const stretches = await this.reader.held(this.name(topic));
    return stretches.map(({ from, to }) => ({ start: from, end: to }));
  }

  async *read(
    topic: ArchivedTopic,
    partition: number,
    from: number,
    to: number,
    signal?: AbortSignal,
  ): AsyncGenerator<ArchivedRow[]> {
    const onOvertaken = (at: number, start: number): never => {
      throw new ArchiveGapError(topic, partition, at, start);
    };
    const stretch = { topic: this.name(topic), partition, from, to };
    for await (const page of this.reader.read(stretch, signal, onOvertaken))
      yield page.map(({ offset, timestamp, key, value, fault }) => ({
        offset,
        recordAt: timestamp,
        key,
        value,
        fault,
      }));
  }

  close(): Promise<void> {
    return this.reader.close();
  }
}
