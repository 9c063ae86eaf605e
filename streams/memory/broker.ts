/**
 * What a log server holds, in memory: records of the inputs, messages of the outputs, committed positions and who
 * may publish. Processes of a simulation share one broker; each has its own MemoryEventLog and MemoryPublisher.
 */
import type { InputTopic } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import type {
  AppendRecord,
  CommittedPositions,
  LogRecord,
  OutgoingMessage,
  TopicBatch,
} from '../../processors/ports';
import { OffsetOutOfRangeError } from '../../processors/ports';

export interface PublishedMessage extends OutgoingMessage {
  /** Lane that published it. */
  partition: number;
  /** Order of publication over all topics, from 0. */
  sequence: number;
}

interface TopicPartition {
  records: LogRecord[];
  start: number;
  end: number;
}

export interface MemoryBrokerOptions {
  /** Neighbouring partitions that share a producer. */
  unitSize?: number;
  /** The end of a transaction is answered before its positions can be read, as Kafka does: see `decide`. */
  answersEarly?: boolean;
}

export class MemoryBroker {
  private readonly inputs: Record<InputTopic, TopicPartition[]>;
  private readonly committed = new Map<number, CommittedPositions>();
  /** Positions of transactions that were answered and can't be read yet. */
  private readonly undecided = new Map<number, CommittedPositions>();
  /** By group of partitions. */
  private readonly producerEpochs = new Map<number, number>();
  private readonly unitSize: number;
  private readonly answersEarly: boolean;
  /** Everything that a read_committed consumer sees, in the order of publication. */
  readonly published: PublishedMessage[] = [];

  constructor(
    readonly partitions: number,
    { unitSize = 1, answersEarly = false }: MemoryBrokerOptions = {},
  ) {
    this.unitSize = unitSize;
    this.answersEarly = answersEarly;
    const empty = (): TopicPartition[] =>
      Array.from({ length: partitions }, () => ({ records: [], start: 0, end: 0 }));
    this.inputs = Object.fromEntries(INPUT_TOPICS.map(topic => [topic, empty()])) as typeof this.inputs;
  }

  private held(topic: InputTopic, partition: number): TopicPartition {
    const held = this.inputs[topic][partition];
    if (held === undefined)
      throw new RangeError(`Partition ${partition} of ${topic}: there are ${this.partitions}, from 0.`);
    return held;
  }

  append(
    topic: InputTopic,
    partition: number,
    records: readonly (AppendRecord & Pick<LogRecord, 'fault'>)[],
  ): number {
    const held = this.held(topic, partition);
    const first = held.end;
    for (const { value, ...record } of records)
      held.records.push({ topic, partition, offset: held.end++, ...record, value: value.slice() });
    return first;
  }

  /** Offsets that hold no record, as transaction markers and compaction leave them. */
  skip(topic: InputTopic, partition: number, offsets: number): void {
    this.held(topic, partition).end += offsets;
  }

  /** Retention: records before `offset` are gone. */
  trim(topic: InputTopic, partition: number, offset: number): void {
    const held = this.held(topic, partition);
    held.start = Math.min(Math.max(held.start, offset), held.end);
    held.records = held.records.filter(record => record.offset >= held.start);
  }

  startOf(topic: InputTopic, partition: number): number {
    return this.held(topic, partition).start;
  }

  endOf(topic: InputTopic, partition: number): number {
    return this.held(topic, partition).end;
  }

  read(topic: InputTopic, partition: number, from: number, maxRecords: number): TopicBatch {
    const { records: held, start, end } = this.held(topic, partition);
    if (from < start || from > end) throw new OffsetOutOfRangeError(topic, partition, from, start, end);
    // Offsets count up by one but for gaps, so the record at `from` is at most that far from the start.
    let at = Math.min(held.length, from - start);
    while (at > 0 && held[at - 1]!.offset >= from) at--;
    const records = held.slice(at, at + maxRecords);
    const isLast = at + records.length === held.length;
    const nextOffset = isLast ? end : records.length === 0 ? from : records[records.length - 1]!.offset + 1;
    return { topic, records, nextOffset, atEnd: isLast };
  }

  committedOf(partition: number): CommittedPositions | null {
    return this.committed.get(partition) ?? null;
  }

  /** null: expired, as a group's offsets do when it was away for long. */
  setCommitted(partition: number, positions: CommittedPositions | null): void {
    this.undecided.delete(partition);
    if (positions === null) this.committed.delete(partition);
    else this.committed.set(partition, { ...positions });
  }

  unitOf(partition: number): number {
    return Math.floor(partition / this.unitSize);
  }

  /** The positions that the last transaction of a partition has committed can be read from now on. */
  decide(partition: number): void {
    const positions = this.undecided.get(partition);
    if (positions !== undefined) this.setCommitted(partition, positions);
  }

  /** A new producer epoch for a group, once its last transaction is over: nobody else may publish for it any more. */
  fence(unit: number): number {
    this.decideAll(unit);
    const epoch = (this.producerEpochs.get(unit) ?? 0) + 1;
    this.producerEpochs.set(unit, epoch);
    return epoch;
  }

  /** Begins a transaction, which waits for the end of the one before. */
  begin(unit: number, producerEpoch: number): void {
    if (this.producerEpochs.get(unit) !== producerEpoch)
      throw new ProducerFencedError(`Another producer has fenced group ${unit}.`);
    this.decideAll(unit);
  }

  private decideAll(unit: number): void {
    for (const partition of [...this.undecided.keys()])
      if (this.unitOf(partition) === unit) this.decide(partition);
  }

  /** One transaction: all messages and the positions, or nothing. */
  transact(
    partition: number,
    producerEpoch: number,
    messages: readonly OutgoingMessage[],
    to: CommittedPositions,
  ): void {
    this.begin(this.unitOf(partition), producerEpoch);
    for (const message of messages)
      this.published.push({
        ...message,
        value: message.value?.slice() ?? null,
        partition,
        sequence: this.published.length,
      });
    this.undecided.set(partition, { ...to });
    if (!this.answersEarly) this.decide(partition);
  }
}

/** A publisher that was overtaken: its lane is not the owner any more. */
export class ProducerFencedError extends Error {
  override readonly name = 'ProducerFencedError';
}
