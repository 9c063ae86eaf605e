/**
 * What a record of a partition tells the core, as the partition's lane took it: nothing for a dead letter, for what the
 * lane passed on to another partition, and for mail that came before.
 */
import type { CustomerMail, InputTopic, MailOrigin } from '../../schemas';
import { readInput } from '../../processors/core';
import type { CustomerInput, InputRules, RecordPlace } from '../../processors/core';
import type { LogRecord, WireCodec } from '../../processors/ports';

export interface PartitionReading {
  partition: number;
  partitionOf: (key: string) => number;
  codec: Pick<WireCodec, 'decode'>;
  rules: InputRules;
}

/** Reads the records of one partition, each topic in the order of its offsets. */
export class PartitionReader {
  /** Highest (offset, index) that was taken of each source. */
  private readonly mail = new Map<string, Pick<MailOrigin, 'offset' | 'index'>>();

  constructor(private readonly options: PartitionReading) {}

  /** null: the lane folded nothing. */
  read(record: LogRecord): CustomerInput | null {
    if (record.fault !== undefined) return null;
    const input = record.topic === 'customer-mail' ? this.readMail(record) : this.readOwn(record);
    const { partition, partitionOf } = this.options;
    return input !== null && partitionOf(input.customerId) === partition ? input : null;
  }

  private readOwn({ topic, partition, offset, recordAt, value }: LogRecord): CustomerInput | null {
    const source = { topic, partition, offset, index: 0 };
    return this.decode(topic, value, { recordAt, source, mailedFrom: null });
  }

  private readMail({ partition, offset, value }: LogRecord): CustomerInput | null {
    const mail = this.attempt(() => this.options.codec.decode('customer-mail', value));
    if (mail === null || !this.isNew(mail.origin)) return null;
    const source = { topic: 'customer-mail' as const, partition, offset, index: 0 };
    const place = { recordAt: mail.origin.recordAt, source, mailedFrom: mail.origin };
    const { forwarded } = mail;
    if (forwarded !== null) return this.decode(forwarded.topic, forwarded.value, place);
    return this.attempt(() => accepted('customer-mail', mail, place, this.options.rules));
  }

  private isNew({ topic, partition, offset, index }: MailOrigin): boolean {
    const from = `${topic}/${partition}`;
    const seen = this.mail.get(from);
    if (seen !== undefined && (offset < seen.offset || (offset === seen.offset && index <= seen.index)))
      return false;
    this.mail.set(from, { offset, index });
    return true;
  }

  private decode(topic: InputTopic, value: Uint8Array, place: RecordPlace): CustomerInput | null {
    const { codec, rules } = this.options;
    return this.attempt(() => accepted(topic, codec.decode(topic, value), place, rules));
  }

  /** Whatever codec and validation throw, the lane made a dead letter of it. */
  private attempt<T>(work: () => T): T | null {
    try {
      return work();
    } catch {
      return null;
    }
  }
}

function accepted<T extends InputTopic>(
  topic: T,
  value: Parameters<typeof readInput<T>>[1] | CustomerMail,
  place: RecordPlace,
  rules: InputRules,
): CustomerInput | null {
  const reading = readInput(topic, value as Parameters<typeof readInput<T>>[1], place, rules);
  return reading.ok ? reading.input : null;
}
