/**
 * Sends records that became dead letters to their topics again. A letter keeps the first 64 KB of its record and the
 * digest of all, so the record itself is read where it first stood; only when it is gone is the letter's copy used,
 * and only when that is whole.
 */
import { hash } from 'node:crypto';
import type { IHeaders, Kafka } from 'kafkajs';
import type { Clock } from '../../processors/ports';
import { INPUT_TOPICS, type DeadLetter, type InputTopic } from '../../schemas';
import { InputSender, TopicReader, topicName } from '../../streams/kafka';
import type { Compression, InputRecord, RecordLookup } from '../../streams/kafka';
import type { PreparedCodec } from '../cluster/codec';

/** What is kept of a letter until it is retried. */
export interface RetryItem {
  source: DeadLetter['source'];
  digest: string;
  /** Where the letter stands in the topic of dead letters. */
  letter: { partition: number; offset: number };
}

export interface RetryReport {
  sent: number;
  /** Of those: the record is gone, so its key is not known, and the letter's copy was sent. */
  withoutKey: number;
  refused: { source: string; reason: string }[];
}

export interface RetryOptions {
  topicPrefix: string;
  compression: Compression;
  codec: PreparedCodec;
  clock: Clock;
  signal: AbortSignal;
}

type Retrieved = { ok: true; record: InputRecord } | { ok: false; reason: string };
const refusal = (reason: string): Retrieved => ({ ok: false, reason });

export const sourceName = ({ topic, partition, offset }: DeadLetter['source']): string =>
  `${topic}/${partition}/${offset}`;

const isInput = (topic: string): topic is InputTopic => (INPUT_TOPICS as readonly string[]).includes(topic);

/** Why letters from there can never be retried; null when they can. */
export function neverRetried({ topic, partition }: DeadLetter['source']): string | null {
  if (topic === 'file') return 'it was read from a file: correct the file and replay or produce it again';
  if (!isInput(topic) || partition < 0)
    return 'it is a message of rescore that was too large: raise the limit that its reason names';
  if (topic === 'customer-mail')
    return 'mail is known by the input that caused it, so a lane would drop it as a repeat';
  return null;
}

/** In the order of the sources, so that neighbours are read together. */
const inOrder = (items: readonly RetryItem[]): RetryItem[] =>
  [...items].sort(
    ({ source: a }, { source: b }) =>
      INPUT_TOPICS.indexOf(a.topic as InputTopic) - INPUT_TOPICS.indexOf(b.topic as InputTopic) ||
      a.partition - b.partition ||
      a.offset - b.offset,
  );

/** @throws what kafkajs throws */
export async function retryAll(
  kafka: Kafka,
  items: readonly RetryItem[],
  options: RetryOptions,
): Promise<RetryReport> {
  const report: RetryReport = { sent: 0, withoutKey: 0, refused: [] };
  const { topicPrefix, compression, signal } = options;
  const able = items.filter(({ source }) => {
    const reason = neverRetried(source);
    if (reason !== null) report.refused.push({ source: sourceName(source), reason });
    return reason === null;
  });
  if (able.length === 0) return report;
  const originals = await Originals.open(kafka, able, options);
  const sender = await InputSender.open(kafka, { topicPrefix, partitions: 1, compression });
  try {
    for (const item of inOrder(able)) {
      if (signal.aborted) break;
      const retrieved = await originals.of(item);
      if (!retrieved.ok) report.refused.push({ source: sourceName(item.source), reason: retrieved.reason });
      else {
        await sender.add(retrieved.record);
        if (retrieved.record.key === null) report.withoutKey++;
      }
    }
  } finally {
    await originals.close();
    await sender.close();
  }
  report.sent = sender.sent;
  return report;
}

/** Looks for the records behind letters: first where they stood, then in the letters. */
class Originals {
  private constructor(
    private readonly reader: TopicReader,
    private readonly lookups: ReadonlyMap<string, RecordLookup>,
    private readonly options: RetryOptions,
  ) {}

  static async open(kafka: Kafka, items: readonly RetryItem[], options: RetryOptions): Promise<Originals> {
    const sources = items.map(({ source }) => source.topic as InputTopic);
    const topics = [...new Set<InputTopic | 'dead-letters'>(['dead-letters', ...sources])];
    const nameOf = (topic: (typeof topics)[number]): string => topicName(options.topicPrefix, topic);
    const reader = await TopicReader.open(kafka, topics.map(nameOf));
    const lookups = new Map<string, RecordLookup>();
    for (const topic of topics) lookups.set(topic, await reader.lookup(nameOf(topic)));
    return new Originals(reader, lookups, options);
  }

  async of(item: RetryItem): Promise<Retrieved> {
    const { topic, partition, offset } = item.source;
    const found = await this.lookups.get(topic)!.at(partition, offset);
    if (found === null) return this.fromLetter(item);
    if (found.fault !== null) return refusal(`the record cannot be read: ${found.fault.reason}`);
    if (found.value === null || digestOf(found.value) !== item.digest)
      return refusal('the topic holds another record at that offset: it was made anew since');
    return {
      ok: true,
      record: {
        topic: topic as InputTopic,
        partition,
        key: found.key,
        value: found.value,
        recordAt: null,
        headers: this.headers(item, found.headers ?? []),
      },
    };
  }

  private async fromLetter(item: RetryItem): Promise<Retrieved> {
    const { codec } = this.options;
    const { topic, partition } = item.source;
    const gone = 'the record is not retained any more';
    const held = await this.lookups.get('dead-letters')!.at(item.letter.partition, item.letter.offset);
    if (held?.value == null) return refusal(`${gone}, and neither is its letter`);
    await codec.prepare?.('dead-letters', [held.value]);
    const { bytes, size, digest } = codec.decodeOutput('dead-letters', held.value);
    if (bytes.length < size || digestOf(bytes) !== digest)
      return refusal(`${gone}, and its letter keeps ${bytes.length} of ${size} bytes`);
    // Without its key it still belongs where it was: the lane there has the same customers.
    const headers = this.headers(item, []);
    return {
      ok: true,
      record: { topic: topic as InputTopic, partition, key: null, value: bytes, recordAt: null, headers },
    };
  }

  private headers({ source }: RetryItem, before: readonly (readonly [string, Buffer | null])[]): IHeaders {
    const headers: IHeaders = {};
    for (const [name, value] of before) {
      if (value === null) continue;
      const others = headers[name];
      headers[name] = others === undefined ? value : [others, value].flat();
    }
    headers['rescore_retry_of'] = sourceName(source);
    headers['rescore_retried_at'] = new Date(this.options.clock.now()).toISOString();
    return headers;
  }

  close(): Promise<void> {
    return this.reader.close();
  }
}

const digestOf = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');
