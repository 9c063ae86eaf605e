/** EventLog over a MemoryBroker. */
import type { InputTopic, Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import type { AppendRecord, EventLog, TopicBatch } from '../../processors/ports';
import { partitionOf } from '../partitioner';
import { MemoryBroker } from './broker';

const perTopic = (offsetOf: (topic: InputTopic) => number): Positions =>
  Object.fromEntries(INPUT_TOPICS.map(topic => [topic, offsetOf(topic)])) as Record<InputTopic, number>;

export class MemoryEventLog implements EventLog {
  /** Takes a broker to share, or makes its own with that many partitions. */
  constructor(broker: MemoryBroker | number) {
    this.broker = typeof broker === 'number' ? new MemoryBroker(broker) : broker;
  }

  readonly broker: MemoryBroker;

  get partitions(): number {
    return this.broker.partitions;
  }

  partitionOf(key: string): number {
    return partitionOf(key, this.partitions);
  }

  async starts(partition: number): Promise<Positions> {
    return perTopic(topic => this.broker.startOf(topic, partition));
  }

  async ends(partition: number): Promise<Positions> {
    return perTopic(topic => this.broker.endOf(topic, partition));
  }

  async read(partition: number, from: Positions, maxRecords: number): Promise<TopicBatch[]> {
    return INPUT_TOPICS.map(topic => this.broker.read(topic, partition, from[topic], maxRecords));
  }

  async append(topic: InputTopic, partition: number, records: readonly AppendRecord[]): Promise<number> {
    return this.broker.append(topic, partition, records);
  }

  async committed(partition: number): Promise<Positions | null> {
    return this.broker.committedOf(partition);
  }
}
