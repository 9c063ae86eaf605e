/**
 * Steps 4 and 5 of the lane: take records merged by the smallest record timestamp, decode and validate them. What
 * can't be used becomes a dead letter, what belongs to another partition is passed on by mail.
 */
import type { CustomerMail, InputTopic, MailOrigin, Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import { readInput } from '../core';
import type { CustomerInput, InputReading, InputRules, RecordPlace } from '../core';
import { DecodeError } from '../ports';
import type { EventLog, LogRecord, OutgoingMail, OutgoingMessage, TopicBatch, WireCodec } from '../ports';
import type { MessageWriter } from './messages';
import type { LaneMetrics } from './metrics';

/** Data before commands at one instant: an input at exactly midnight comes before that midnight's tick. */
const MERGE_ORDER: readonly InputTopic[] = [
  'web-events',
  'orders',
  'customers',
  'customer-mail',
  'customer-commands',
];

export interface Taken {
  records: LogRecord[];
  to: Positions;
  /** No topic had more. */
  atEnd: boolean;
}

/** Merges what was read, at most `limit` records. Stops where a topic may have an older record still unread. */
export function mergeByRecordTime(batches: readonly TopicBatch[], from: Positions, limit: number): Taken {
  const byTopic = MERGE_ORDER.map(topic => batches.find(batch => batch.topic === topic)!);
  const heads = byTopic.map(() => 0);
  const records: LogRecord[] = [];
  while (records.length < limit) {
    let next = -1;
    let blocked = false;
    for (let index = 0; index < byTopic.length; index++) {
      const head = byTopic[index]!.records[heads[index]!];
      if (head === undefined) blocked ||= !byTopic[index]!.atEnd;
      else if (next < 0 || head.recordAt < byTopic[next]!.records[heads[next]!]!.recordAt) next = index;
    }
    if (next < 0 || blocked) break;
    records.push(byTopic[next]!.records[heads[next]!]!);
    heads[next]!++;
  }
  const to = { ...from };
  byTopic.forEach((batch, index) => {
    const taken = heads[index]!;
    to[batch.topic] =
      taken === batch.records.length
        ? batch.nextOffset
        : taken === 0
          ? from[batch.topic]
          : batch.records[taken - 1]!.offset + 1;
  });
  return {
    records,
    to,
    atEnd: byTopic.every((batch, index) => heads[index] === batch.records.length && batch.atEnd),
  };
}

/** Inputs of a batch, in order, per customer. */
export interface Intake {
  byCustomer: Map<string, CustomerInput[]>;
  mail: OutgoingMail[];
  deadLetters: OutgoingMessage[];
  mailPositions: Record<string, { offset: number; index: number }>;
  clocks: Record<InputTopic, number>;
}

export interface IntakeTools {
  partition: number;
  log: EventLog;
  codec: WireCodec;
  rules: InputRules;
  writer: MessageWriter;
  metrics: LaneMetrics;
}

/** Adds one record to the intake. */
export function takeIn(record: LogRecord, intake: Intake, tools: IntakeTools): void {
  const { topic, partition, offset, recordAt } = record;
  intake.clocks[topic] = Math.max(intake.clocks[topic], recordAt);
  const place: RecordPlace = { recordAt, source: { topic, partition, offset, index: 0 }, mailedFrom: null };
  const reading =
    topic === 'customer-mail'
      ? readMailRecord(record, intake, tools)
      : readRecord(topic, record.value, place, tools);
  if (reading === null) {
    tools.metrics.outcomes.duplicate++;
    return;
  }
  if (!reading.ok) {
    reject(record, reading.stage, reading.code, reading.reason, intake, tools);
    return;
  }
  const { input } = reading;
  if (tools.log.partitionOf(input.customerId) !== tools.partition) passOn(record, input, intake, tools);
  else {
    const inputs = intake.byCustomer.get(input.customerId);
    if (inputs === undefined) intake.byCustomer.set(input.customerId, [input]);
    else inputs.push(input);
  }
}

type StagedReading =
  | Extract<InputReading, { ok: true }>
  | { ok: false; stage: 'decode' | 'validate' | 'route'; code: string; reason: string };

function readRecord(
  topic: InputTopic,
  value: Uint8Array,
  place: RecordPlace,
  { codec, rules }: IntakeTools,
): StagedReading {
  try {
    const reading = readInput(topic, codec.decode(topic, value), place, rules);
    return reading.ok ? reading : { ...reading, stage: 'validate' };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { ok: false, stage: 'decode', code: error.code, reason: error.message };
  }
}

/** null: a repeat, known by where it came from. */
function readMailRecord(record: LogRecord, intake: Intake, tools: IntakeTools): StagedReading | null {
  let mail: CustomerMail;
  try {
    mail = tools.codec.decode('customer-mail', record.value);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { ok: false, stage: 'decode', code: error.code, reason: error.message };
  }
  const { origin, forwarded } = mail;
  const from = `${origin.topic}/${origin.partition}`;
  const seen = intake.mailPositions[from];
  if (
    seen !== undefined &&
    (origin.offset < seen.offset || (origin.offset === seen.offset && origin.index <= seen.index))
  )
    return null;
  intake.mailPositions[from] = { offset: origin.offset, index: origin.index };
  const source = {
    topic: 'customer-mail' as const,
    partition: record.partition,
    offset: record.offset,
    index: 0,
  };
  const place: RecordPlace = { recordAt: origin.recordAt, source, mailedFrom: origin };
  if (forwarded === null) {
    const reading = readInput('customer-mail', mail, place, tools.rules);
    return reading.ok ? reading : { ...reading, stage: 'validate' };
  }
  if (!(INPUT_TOPICS as readonly string[]).includes(forwarded.topic))
    return {
      ok: false,
      stage: 'decode',
      code: 'malformed-mail',
      reason: `the mail forwards from the unknown topic ${forwarded.topic}.`,
    };
  return readRecord(forwarded.topic, forwarded.value, place, tools);
}

function reject(
  record: LogRecord,
  stage: 'decode' | 'validate' | 'route',
  code: string,
  reason: string,
  intake: Intake,
  { writer, metrics }: IntakeTools,
): void {
  const { topic, partition, offset, recordAt, value } = record;
  metrics.outcomes.rejected++;
  metrics.deadLetters[code] = (metrics.deadLetters[code] ?? 0) + 1;
  const letter = { source: { topic, partition, offset }, origin: null, stage, code, reason };
  intake.deadLetters.push(writer.deadLetter(letter, value, recordAt));
}

/** Trackers often key by another id than the customer's: the input goes to the lane that owns the customer. */
function passOn(record: LogRecord, input: CustomerInput, intake: Intake, tools: IntakeTools): void {
  if (record.topic === 'customer-mail') {
    const reason = `customerId belongs to partition ${tools.log.partitionOf(input.customerId)}, and mail is not passed on twice.`;
    reject(record, 'route', 'malformed-mail', reason, intake, tools);
    return;
  }
  tools.metrics.outcomes.passedOn++;
  const { topic, partition, offset, recordAt, value } = record;
  const origin: MailOrigin = { topic, partition, offset, index: 0, recordAt };
  const mail: CustomerMail = {
    customerId: input.customerId,
    origin,
    interaction: null,
    forwarded: { topic, value },
  };
  intake.mail.push({
    to: input.customerId,
    partition: tools.log.partitionOf(input.customerId),
    recordAt,
    value: tools.codec.encodeInput('customer-mail', mail),
  });
}
