/**
 * From records to what the fold takes. A raw history is decoded; a stream's history is read as its lane has read it
 * (processors/runner/reading.ts): dead letters left out, repeated mail known by its origin, forwarded records opened.
 */
import type { CustomerMail, EpochMs, InputTopic } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import { readInput } from '../../processors/core';
import type { CustomerInput, InputRules, RecordPlace } from '../../processors/core';
import { DecodeError } from '../../processors/ports';
import type { EventLog, LogRecord, MailPositions, WireCodec } from '../../processors/ports';
import type { HistoryFold, HistoryRecord } from '../dataset';

export interface ReadingTools {
  log: Pick<EventLog, 'partitionOf'>;
  codec: Pick<WireCodec, 'decode'>;
  rules: InputRules;
}

/** Gives one record to the fold; `arrivedAt` never goes back. */
export interface RecordReader {
  read(record: LogRecord, arrivedAt: EpochMs): void;
  /** What a later reader must know of mail that was read. */
  readonly mailPositions: MailPositions;
}

/** What a codec throws is a dead letter, whatever it is. */
function decoded<T extends InputTopic>(codec: ReadingTools['codec'], topic: T, record: LogRecord) {
  try {
    if (record.fault !== undefined) throw new DecodeError(record.fault.code, record.fault.reason);
    return codec.decode(topic, record.value);
  } catch {
    return null;
  }
}

export class RawReader implements RecordReader {
  readonly mailPositions: MailPositions = {};

  constructor(
    private readonly fold: HistoryFold,
    private readonly tools: ReadingTools,
  ) {}

  read(record: LogRecord, arrivedAt: EpochMs): void {
    const { topic } = record;
    const value = decoded(this.tools.codec, topic, record);
    if (value === null) this.fold.pass(topic, arrivedAt, true);
    else this.fold.take({ topic, recordAt: arrivedAt, value } as HistoryRecord);
  }
}

export class StreamReader implements RecordReader {
  constructor(
    private readonly fold: HistoryFold,
    private readonly tools: ReadingTools,
    readonly mailPositions: Record<string, { offset: number; index: number }> = {},
  ) {}

  read(record: LogRecord, arrivedAt: EpochMs): void {
    const { topic, partition, offset, recordAt } = record;
    const source = { topic, partition, offset, index: 0 };
    const found =
      topic === 'customer-mail'
        ? this.openMail(record, source)
        : this.inputOf(topic, record, { recordAt, source, mailedFrom: null });
    if (typeof found === 'string') this.fold.pass(topic, recordAt, found === 'refused');
    // Keyed by another id than the customer's: its own lane has it as mail.
    else if (this.tools.log.partitionOf(found.customerId) !== partition)
      this.fold.pass(topic, recordAt, topic === 'customer-mail');
    else this.fold.takeInput(found, arrivedAt);
  }

  private inputOf(topic: InputTopic, record: LogRecord, place: RecordPlace): CustomerInput | 'refused' {
    const value = decoded(this.tools.codec, topic, record);
    if (value === null) return 'refused';
    const reading = readInput(topic, value, place, this.tools.rules);
    return reading.ok ? reading.input : 'refused';
  }

  private openMail(record: LogRecord, source: RecordPlace['source']): CustomerInput | 'refused' | 'repeat' {
    const mail = decoded(this.tools.codec, 'customer-mail', record);
    if (mail === null) return 'refused';
    const { origin, forwarded } = mail;
    if (!this.isNew(origin)) return 'repeat';
    const place: RecordPlace = { recordAt: origin.recordAt, source, mailedFrom: origin };
    if (forwarded === null) {
      const reading = readInput('customer-mail', mail, place, this.tools.rules);
      return reading.ok ? reading.input : 'refused';
    }
    if (!(INPUT_TOPICS as readonly string[]).includes(forwarded.topic)) return 'refused';
    return this.inputOf(forwarded.topic, { ...record, value: forwarded.value }, place);
  }

  private isNew({ topic, partition, offset, index }: CustomerMail['origin']): boolean {
    const from = `${topic}/${partition}`;
    const seen = this.mailPositions[from];
    if (seen !== undefined && (offset < seen.offset || (offset === seen.offset && index <= seen.index)))
      return false;
    this.mailPositions[from] = { offset, index };
    return true;
  }
}
