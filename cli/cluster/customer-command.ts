/**
 * A command for one customer of a cluster: appended where the customer's lane reads it, and its answer waited for among
 * the scores, as every consumer sees them. Running processors carry it out; this process takes no part in their group.
 */
import type { Kafka } from 'kafkajs';
import { decodeCustomer, isHeld } from '../../processors/core';
import type { CustomerId, EngagementScore, EpochMs } from '../../schemas';
import { SECOND_MS } from '../../schemas';
import { TopicReader, sendRecord, topicName } from '../../streams/kafka';
import type { TopicRecord } from '../../streams/kafka';
import { partitionOf } from '../../streams/partitioner';
import type { Context } from '../context';
import { CliError } from '../errors';
import { commandBody, type AskedCommand } from '../lanes';
import { printable } from '../output/table';
import { withKafka } from './admin';
import { openCodec, type PreparedCodec } from './codec';
import { openClusterState } from './state';

/** Of the score that answers, or of the tombstone that is the receipt of an erasure. */
export interface Answer {
  /** `ce_id` */
  id: string;
  /** `ce_time` */
  at: EpochMs;
  topic: string;
  partition: number;
  offset: number;
  /** Null: a receipt. */
  score: EngagementScore | null;
}

interface Asked {
  kind: AskedCommand;
  customerId: CustomerId;
  /** Where the command stands, and its timestamp. */
  partition: number;
  offset: number;
  recordAt: EpochMs;
}

const LOOK_MS = 200;

/** @throws CliError customer-unknown, unanswered, state-missing, and what servers that are away throw */
export async function commandInCluster(
  context: Context,
  kind: AskedCommand,
  customerId: CustomerId,
  timeoutMs: number,
): Promise<Answer> {
  const { io, settings } = context;
  const codec = await openCodec(settings.values, io.clock);
  return withKafka(context, async kafka => {
    const commands = topicName(settings.values['kafka.topicPrefix'], 'customer-commands');
    const answers = topicName(settings.values['kafka.topicPrefix'], 'engagement-scores');
    const reader = await TopicReader.open(kafka, [commands, answers]);
    try {
      const partition = partitionOf(customerId, reader.partitions(commands));
      await mustBeKnown(context, partition, customerId, kind);
      const waiting = await WaitingReader.open(reader, answers, customerId);
      const sent = await send(kafka, context, codec, { kind, customerId, partition, topic: commands });
      return await answerOf({ kind, customerId, partition, ...sent }, waiting, codec, context, timeoutMs);
    } finally {
      await reader.close();
    }
  });
}

/** Who was erased can be erased again: whoever missed the receipt gets another one. */
async function mustBeKnown(
  { settings }: Context,
  partition: number,
  customerId: CustomerId,
  kind: AskedCommand,
): Promise<void> {
  const state = await openClusterState(settings.values);
  try {
    const { value } = await state.store.peek(partition, customerId);
    if (value !== null && (kind === 'erase' || isHeld(decodeCustomer(customerId, value)))) return;
  } finally {
    state.close();
  }
  throw new CliError('customer-unknown', `Nothing is known of customer ${JSON.stringify(customerId)}.`);
}

const send = (
  kafka: Kafka,
  { io }: Context,
  codec: PreparedCodec,
  { kind, customerId, ...place }: Pick<Asked, 'kind' | 'customerId' | 'partition'> & { topic: string },
): Promise<{ offset: number; recordAt: EpochMs }> =>
  sendRecord(kafka, {
    ...place,
    key: customerId,
    value: commandBody(codec, kind, customerId),
    recordAt: io.clock.now(),
  });

/** What is published about one customer from the moment on that it was opened. */
class WaitingReader {
  private constructor(
    private readonly reader: TopicReader,
    private readonly topic: string,
    private readonly partition: number,
    private readonly key: CustomerId,
    private next: number,
  ) {}

  static async open(reader: TopicReader, topic: string, key: CustomerId): Promise<WaitingReader> {
    const partition = partitionOf(key, reader.partitions(topic));
    const { to } = (await reader.held(topic))[partition]!;
    return new WaitingReader(reader, topic, partition, key, to);
  }

  async *news(signal: AbortSignal): AsyncGenerator<TopicRecord> {
    const { reader, topic, partition } = this;
    const { to } = (await reader.held(topic))[partition]!;
    for await (const page of reader.read({ topic, partition, from: this.next, to }, signal))
      for (const record of page) if (record.key === this.key) yield record;
    this.next = Math.max(this.next, to);
  }
}

async function answerOf(
  asked: Asked,
  waiting: WaitingReader,
  codec: PreparedCodec,
  { io }: Context,
  timeoutMs: number,
): Promise<Answer> {
  const until = io.clock.now() + timeoutMs;
  while (io.clock.now() < until && !io.signal.aborted) {
    for await (const record of waiting.news(io.signal)) {
      const answer = await answerIn(record, asked, codec);
      if (answer !== null) return answer;
    }
    await io.clock.sleep(LOOK_MS, io.signal);
  }
  const { kind, customerId, partition, offset } = asked;
  throw new CliError(
    'unanswered',
    `No processor has answered ${kind} ${printable(customerId)} (customer-commands/${partition}/${offset}) ` +
      (io.signal.aborted ? 'before this was stopped.' : `within ${timeoutMs / SECOND_MS} s.`),
  );
}

/** Null: the message answers something else, or nothing. */
async function answerIn(record: TopicRecord, asked: Asked, codec: PreparedCodec): Promise<Answer | null> {
  const { topic, partition, offset, value } = record;
  const headers = new Map((record.headers ?? []).map(([name, text]) => [name, String(text)]));
  const at = Date.parse(headers.get('ce_time') ?? '');
  const answer = { id: headers.get('ce_id') ?? '', at, topic, partition, offset };
  if (value === null) {
    const isReceipt = headers.get('ce_type') === 'rescore.erased' && at >= asked.recordAt;
    return asked.kind === 'erase' && isReceipt ? { ...answer, score: null } : null;
  }
  if (asked.kind === 'erase') return null;
  await codec.prepare?.('engagement-scores', [value]);
  const score = codec.decodeOutput('engagement-scores', value);
  const isAnswer = score.cause === 'command' && score.position['customer-commands'] > asked.offset;
  return isAnswer ? { ...answer, score } : null;
}
