/**
 * Step 5 of the lane: decode and validate. What can't be used becomes a dead letter, what belongs to another
 * partition is passed on by mail, and a mail that came before is known by where it came from.
 */
import type { CustomerId, CustomerMail, InputTopic, MailOrigin } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import { readInput } from '../core';
import type { CustomerInput, InputReading, InputRules, RecordPlace } from '../core';
import { DecodeError } from '../ports';
import type { EventLog, LogRecord, WireCodec } from '../ports';
import type { Draft } from './draft';
import type { MessageWriter } from './messages';

export interface ReadingTools {
  partition: number;
  log: EventLog;
  codec: WireCodec;
  rules: InputRules;
  writer: MessageWriter;
  maxMessageBytes: number;
  /** Where a record came from, for people: file and line of a replay. */
  originOf: (record: LogRecord) => string | null;
}

type Stage = 'decode' | 'validate' | 'route';
type StagedReading =
  Extract<InputReading, { ok: true }> | { ok: false; stage: Stage; code: string; reason: string };

const failed = (stage: Stage, code: string, reason: string): StagedReading => ({
  ok: false,
  stage,
  code,
  reason,
});

/** Adds one record to the draft: as an input, as a mail to its own lane, as a dead letter, or as a repeat. */
export function readRecord(record: LogRecord, draft: Draft, tools: ReadingTools): void {
  draft.noteRead(record);
  const reading = record.topic === 'customer-mail' ? openMail(record, draft, tools) : open(record, tools);
  if (reading === null) draft.counts.outcomes.duplicate++;
  else if (!reading.ok) reject(record, reading, draft, tools);
  else {
    const { input } = reading;
    const id = input.customerId;
    // A customer that the batch holds already is known to be ours.
    if (draft.has(id) || tools.log.partitionOf(id) === tools.partition) draft.addInput(input);
    else passOn(record, id, draft, tools);
  }
}

function open(record: LogRecord, tools: ReadingTools): StagedReading {
  const { topic, partition, offset, recordAt, value } = record;
  if (record.fault !== undefined) return failed('decode', record.fault.code, record.fault.reason);
  const place: RecordPlace = { recordAt, source: { topic, partition, offset, index: 0 }, mailedFrom: null };
  return decode(topic, value, place, tools);
}

/** Bad input never stops a lane: whatever the codec or the validation makes of it is a dead letter. */
function decode(
  topic: InputTopic,
  value: Uint8Array,
  place: RecordPlace,
  { codec, rules }: ReadingTools,
): StagedReading {
  try {
    const reading = readInput(topic, codec.decode(topic, value), place, rules);
    return reading.ok ? reading : { ...reading, stage: 'validate' };
  } catch (error) {
    return undecodable(error);
  }
}

function undecodable(error: unknown): StagedReading {
  if (error instanceof DecodeError) return failed('decode', error.code, error.message);
  const why = error instanceof Error ? error.message : String(error);
  return failed('decode', 'undecodable', `The record can't be decoded: ${why}. Check its producer.`);
}

/** null: a repeat. */
function openMail(record: LogRecord, draft: Draft, tools: ReadingTools): StagedReading | null {
  if (record.fault !== undefined) return failed('decode', record.fault.code, record.fault.reason);
  let mail: CustomerMail;
  try {
    mail = tools.codec.decode('customer-mail', record.value);
  } catch (error) {
    return undecodable(error);
  }
  const { origin, forwarded } = mail;
  if (!draft.isNewMail(origin)) return null;
  const { partition, offset } = record;
  const place: RecordPlace = {
    recordAt: origin.recordAt,
    source: { topic: 'customer-mail', partition, offset, index: 0 },
    mailedFrom: origin,
  };
  if (forwarded !== null && !(INPUT_TOPICS as readonly string[]).includes(forwarded.topic))
    return failed(
      'decode',
      'malformed-mail',
      `the mail forwards from the unknown topic ${forwarded.topic}. Only lanes of this version may write mail.`,
    );
  const reading =
    forwarded === null
      ? validateMail(mail, place, tools)
      : decode(forwarded.topic, forwarded.value, place, tools);
  if (!reading.ok || tools.log.partitionOf(reading.input.customerId) === tools.partition) return reading;
  return failed(
    'route',
    'malformed-mail',
    `customerId belongs to another partition, and mail is not passed on twice. Check the number of partitions.`,
  );
}

function validateMail(mail: CustomerMail, place: RecordPlace, tools: ReadingTools): StagedReading {
  const reading = readInput('customer-mail', mail, place, tools.rules);
  return reading.ok ? reading : { ...reading, stage: 'validate' };
}

function reject(
  record: LogRecord,
  { stage, code, reason }: Extract<StagedReading, { ok: false }>,
  draft: Draft,
  { writer, originOf }: ReadingTools,
): void {
  const { topic, partition, offset, recordAt, value } = record;
  const { counts } = draft;
  counts.outcomes.rejected++;
  counts.deadLetters[code] = (counts.deadLetters[code] ?? 0) + 1;
  const letter = { source: { topic, partition, offset }, origin: originOf(record), stage, code, reason };
  draft.addDeadLetter(writer.deadLetter(letter, value, recordAt));
}

/** Trackers often key by another id than the customer's: the input goes to the lane that owns the customer. */
function passOn(record: LogRecord, to: CustomerId, draft: Draft, tools: ReadingTools): void {
  const { codec, log, maxMessageBytes } = tools;
  const { topic, partition, offset, recordAt, value } = record;
  const origin: MailOrigin = { topic, partition, offset, index: 0, recordAt };
  const forwarded = { topic: topic as Exclude<InputTopic, 'customer-mail'>, value };
  const body = codec.encodeInput('customer-mail', { customerId: to, origin, interaction: null, forwarded });
  if (body.length > maxMessageBytes) {
    const reason = `The record belongs to another partition, and ${body.length} bytes can't be mailed: the limit is ${maxMessageBytes}. Key it by its customer id.`;
    reject(record, { ok: false, stage: 'route', code: 'message-too-large', reason }, draft, tools);
    return;
  }
  draft.counts.outcomes.passedOn++;
  draft.addMail(origin, { to, partition: log.partitionOf(to), recordAt, value: body });
}

/** The input that a mail tells of, as the lane of the target will know it. */
export const mailOriginOf = ({ source, recordAt }: CustomerInput, index: number): MailOrigin => ({
  topic: source.topic,
  partition: source.partition,
  offset: source.offset,
  index,
  recordAt,
});
