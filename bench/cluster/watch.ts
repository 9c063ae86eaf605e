/** A read_committed consumer of scores, as a notification service would be: it notes when each one became visible. */
import { randomUUID } from 'node:crypto';
import type { Consumer, Kafka } from 'kafkajs';
import { systemClock } from '../../cli/clock';
import type { Load } from './load';

export class ScoreWatch {
  /** From the send of a customer's event to its score, ms. */
  readonly latencies: number[] = [];
  /** When a score was last seen, by partition. */
  readonly seenAt = new Map<number, number>();
  scores = 0;
  isMeasuring = false;
  private readonly consumer: Consumer;

  constructor(
    kafka: Kafka,
    private readonly topic: string,
    private readonly load: Load,
  ) {
    this.consumer = kafka.consumer({ groupId: `watch-${randomUUID()}`, maxWaitTimeInMs: 100 });
  }

  async start(): Promise<void> {
    await this.consumer.connect();
    await this.consumer.subscribe({ topic: this.topic, fromBeginning: false });
    const joined = new Promise<void>(resolve => {
      this.consumer.on('consumer.group_join', () => resolve());
    });
    await this.consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 16,
      eachBatch: ({ batch: { partition, messages } }) => {
        const now = systemClock.now();
        this.seenAt.set(partition, now);
        this.scores += messages.length;
        if (this.isMeasuring) for (const { key } of messages) this.note(String(key), now);
        return Promise.resolve();
      },
    });
    await joined;
  }

  private note(customer: string, now: number): void {
    const sentAt = this.load.sentAt.get(customer);
    if (sentAt === undefined) return;
    this.latencies.push(now - sentAt);
    // A second score of the same event would count its wait twice.
    this.load.sentAt.delete(customer);
  }

  stop(): Promise<void> {
    return this.consumer.disconnect();
  }
}

/** Of sorted or unsorted values; NaN when there is none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
