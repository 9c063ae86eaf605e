/**
 * A consumer of what rescore publishes, written to be read: yours may look like this. Its rules, numbered as in the
 * code (docs/consumers.md says why):
 *
 * 1. Read committed messages only: a transaction that was aborted was never published.
 * 2. Drop repeats by `ce_id`: without transactions a crash repeats messages, with the same id and the same bytes.
 * 3. Keep the newest: of scores the highest (epoch, sequence) of a customer, of sessions the highest revision.
 * 4. A message without a value is a tombstone: forget all that is kept under the key, the newest version too, because
 *    a customer who comes back is counted from the beginning. `ce_type` says why.
 * 5. Commit an offset after the work is done, never before.
 */
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import type { OutputTopic, WireOutputs } from '../../schemas';
import type { PreparedCodec } from '../cluster/codec';
import { Remembered } from './remembered';

export type ConsumedTopic = Extract<OutputTopic, 'engagement-scores' | 'engagement-alerts' | 'sessions'>;

export interface Consumed<T extends ConsumedTopic> {
  key: string;
  id: string;
  /** `ce_type`: what it is, and of a withdrawal why it came. */
  type: string;
  /** null: everything about the key is withdrawn. */
  body: WireOutputs[T] | null;
}

export interface ConsumerOptions<T extends ConsumedTopic> {
  kafka: Kafka;
  groupId: string;
  topic: T;
  /** With the prefix. */
  topicName: string;
  fromBeginning: boolean;
  codec: PreparedCodec;
  /** Ends the consumer. */
  signal: AbortSignal;
  /** Does the work; the offset is committed after it. */
  onMessage: (message: Consumed<T>) => Promise<void>;
}

export interface ConsumeCounts {
  /** Handed to `onMessage`. */
  messages: number;
  repeats: number;
  outdated: number;
  undecodable: number;
}

/** Ids of messages, and newest versions, that are remembered at most. A real consumer keeps them beside its data. */
const REMEMBERED = 100_000;

/** Runs until the signal is aborted; what was handed over is committed then. */
export async function consume<T extends ConsumedTopic>(options: ConsumerOptions<T>): Promise<ConsumeCounts> {
  const { kafka, groupId, topicName, fromBeginning, signal } = options;
  const consumer = kafka.consumer({
    groupId,
    readUncommitted: false, // 1
    allowAutoTopicCreation: false,
  });
  const reading = new Reading(options);
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [topicName], fromBeginning });
    const crashed = crashOf(consumer);
    await consumer.run({ eachBatchAutoResolve: false, eachBatch: payload => reading.take(payload) });
    await Promise.race([aborted(signal), crashed]);
    await consumer.stop();
  } finally {
    await consumer.disconnect();
  }
  return reading.counts;
}

class Reading<T extends ConsumedTopic> {
  readonly counts: ConsumeCounts = { messages: 0, repeats: 0, outdated: 0, undecodable: 0 };
  private readonly ids = new Remembered<true>(REMEMBERED);
  private readonly newest = new Remembered<Version>(REMEMBERED);

  constructor(private readonly options: ConsumerOptions<T>) {}

  async take({ batch, resolveOffset, heartbeat, isRunning, isStale }: EachBatchPayload): Promise<void> {
    const { codec, topic, signal } = this.options;
    await codec.prepare?.(
      topic,
      batch.messages.flatMap(({ value }) => value ?? []),
    );
    for (const message of batch.messages) {
      if (signal.aborted || !isRunning() || isStale()) return;
      await this.handle(message);
      resolveOffset(message.offset); // 5
      await heartbeat();
    }
  }

  private async handle(message: KafkaMessage): Promise<void> {
    const key = String(message.key ?? '');
    const id = String(message.headers?.['ce_id'] ?? '');
    const type = String(message.headers?.['ce_type'] ?? '');
    if (this.ids.get(id) !== undefined) {
      this.counts.repeats++; // 2
      return;
    }
    if (id !== '') this.ids.set(id, true);
    if (message.value === null) {
      this.newest.delete(key); // 4
      await this.pass({ key, id, type, body: null });
      return;
    }
    const body = this.decode(message.value);
    if (body !== null && this.isNewest(body)) await this.pass({ key, id, type, body });
  }

  private decode(value: Buffer): WireOutputs[T] | null {
    try {
      return this.options.codec.decodeOutput(this.options.topic, value);
    } catch {
      this.counts.undecodable++;
      return null;
    }
  }

  private isNewest(body: WireOutputs[T]): boolean {
    const version = versionOf(body);
    if (version === null) return true;
    const known = this.newest.get(version.of);
    if (known !== undefined && !isAfter(version, known)) {
      this.counts.outdated++; // 3
      return false;
    }
    this.newest.set(version.of, version);
    return true;
  }

  private async pass(message: Consumed<T>): Promise<void> {
    await this.options.onMessage(message);
    this.counts.messages++;
  }
}

interface Version {
  /** What there is one newest of. */
  of: string;
  high: number;
  low: number;
}

const isAfter = (a: Version, b: Version): boolean => a.high > b.high || (a.high === b.high && a.low > b.low);

/** Alerts have no number: they stand in their partition in the order in which they happened. */
function versionOf(body: WireOutputs[ConsumedTopic]): Version | null {
  if ('sequence' in body) return { of: body.customerId, high: body.epoch, low: body.sequence };
  if ('revision' in body) return { of: body.sessionId, high: body.revision, low: 0 };
  return null;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Rejects when the client gives up. */
const crashOf = (consumer: Consumer): Promise<never> => {
  const crash = new Promise<never>((_resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => {
      if (!payload.restart) reject(payload.error);
    });
  });
  // It may come while nobody waits any more.
  crash.catch(() => undefined);
  return crash;
};
