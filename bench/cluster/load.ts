/** Load of a measurement: small events of very many customers, so that nearly every event is another customer's. */
import { Partitioners } from 'kafkajs';
import type { Kafka, Producer } from 'kafkajs';
import type { OrderEvent, WebEvent } from '../../schemas';
import { SECOND_MS } from '../../schemas';
import { systemClock } from '../../cli/clock';
import { Random } from '../../processors/sim/random';
import { createAvroCodec } from '../../streams/avro/codec';
import { partitionOf } from '../../streams/partitioner';

const EVENT: Omit<WebEvent, 'messageId' | 'userId' | 'timestamp'> = {
  originalTimestamp: null,
  sentAt: null,
  receivedAt: null,
  anonymousId: null,
  type: 'track',
  event: 'Product Viewed',
  page: '/products/1234',
  deviceType: 'ios',
  channel: null,
  sessionId: null,
  targetUserId: null,
  liked: null,
  rating: null,
  sentiment: null,
  order: null,
  traits: null,
  properties: { sku: 'A-1234', category: 'shoes', price: '49.90' },
  truncated: false,
};
const ORDER_SHARE = 0.04;
const SEND = 1_000;

export interface LoadOptions {
  kafka: Kafka;
  prefix: string;
  partitions: number;
  customers: number;
  seed: number;
  /** Of all events; 0.04 unless given. */
  orderShare?: number;
}

/** Sends events; remembers for each customer when its newest one was sent and in which partition it is. */
export class Load {
  readonly sentAt = new Map<string, number>();
  sent = 0;
  private readonly codec = createAvroCodec();
  private readonly random: Random;
  private readonly producer: Producer;
  private next = 0;

  constructor(private readonly options: LoadOptions) {
    this.random = new Random(options.seed);
    this.producer = options.kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { initialRetryTime: 100, retries: 100, maxRetryTime: 500 },
    });
  }

  connect(): Promise<void> {
    return this.producer.connect();
  }

  disconnect(): Promise<void> {
    return this.producer.disconnect();
  }

  /** In turn, so that no customer comes twice before all have come. */
  private nextCustomer(): string {
    return `customer-${this.next++ % this.options.customers}`;
  }

  private message(): { topic: string; key: string; partition: number; value: Buffer } {
    const { prefix, partitions } = this.options;
    const key = this.nextCustomer();
    const partition = partitionOf(key, partitions);
    const timestamp = systemClock.now() - this.random.int(60 * SECOND_MS);
    const messageId = `b${this.sent++}`;
    if (!this.random.chance(this.options.orderShare ?? ORDER_SHARE)) {
      const value = this.codec.encodeInput('web-events', { ...EVENT, messageId, userId: key, timestamp });
      return { topic: `${prefix}web-events`, key, partition, value: Buffer.from(value) };
    }
    const order: OrderEvent = {
      messageId,
      userId: key,
      anonymousId: null,
      timestamp,
      originalTimestamp: null,
      sentAt: null,
      receivedAt: null,
      kind: 'completed',
      order: {
        orderId: `o${this.sent}`,
        revenueMinor: this.random.between(500, 20_000),
        subtotalMinor: null,
        totalMinor: null,
        shippingMinor: null,
        taxMinor: null,
        currency: null,
      },
    };
    const value = this.codec.encodeInput('orders', order);
    return { topic: `${prefix}orders`, key, partition, value: Buffer.from(value) };
  }

  /** As fast as the broker takes it. */
  async flood(count: number): Promise<void> {
    for (let left = count; left > 0; left -= SEND) await this.send(Math.min(left, SEND));
  }

  /** At a steady rate for a while, in sends every few milliseconds, as producers with a linger do. */
  async steady(perSecond: number, ms: number): Promise<void> {
    const began = systemClock.now();
    let sent = 0;
    for (let now = began; now - began < ms; now = systemClock.now()) {
      const due = Math.floor(((now - began) / SECOND_MS) * perSecond) - sent;
      if (due > 0) await this.send(Math.min(due, SEND));
      sent += Math.max(0, Math.min(due, SEND));
      await systemClock.sleep(5);
    }
  }

  private async send(count: number): Promise<void> {
    const byTopic = new Map<string, { key: string; partition: number; value: Buffer }[]>();
    for (let at = 0; at < count; at++) {
      const { topic, ...message } = this.message();
      const held = byTopic.get(topic);
      if (held === undefined) byTopic.set(topic, [message]);
      else held.push(message);
    }
    const now = systemClock.now();
    for (const messages of byTopic.values()) for (const { key } of messages) this.sentAt.set(key, now);
    await this.producer.sendBatch({
      topicMessages: [...byTopic].map(([topic, messages]) => ({ topic, messages })),
    });
  }
}
