/** EventLog in LMDB: one range of keys per topic and partition. */
import type { InputTopic, Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import type { AppendRecord, EventLog, TopicBatch } from '../../processors/ports';
import { OffsetOutOfRangeError } from '../../processors/ports';
import { partitionOf } from '../partitioner';
import type { Environment } from './environment';
import { MAX_OFFSET, logKey, logKeyOffset } from './keys';

/** record timestamp (8), length of the key (2), key, value. */
function packRecord({ recordAt, key, value }: AppendRecord): Buffer {
  const keyBytes = Buffer.byteLength(key);
  const packed = Buffer.allocUnsafe(10 + keyBytes + value.length);
  packed.writeDoubleBE(recordAt, 0);
  packed.writeUInt16BE(keyBytes, 8);
  packed.write(key, 10, 'utf8');
  packed.set(value, 10 + keyBytes);
  return packed;
}

export class EmbeddedLog implements EventLog {
  readonly partitions: number;
  private readonly first: number[][];
  private readonly next: number[][];

  constructor(private readonly environment: Environment) {
    this.partitions = environment.partitions;
    this.first = INPUT_TOPICS.map(() => []);
    this.next = INPUT_TOPICS.map(() => []);
    this.refresh();
    environment.onRollback(() => this.refresh());
  }

  /** Reads the ends again: what a writer beside a read-only store has appended. */
  refresh(): void {
    this.environment.renewSnapshot();
    const { log } = this.environment;
    const marks = this.environment.getDocument<Record<string, number>>('log-next') ?? {};
    INPUT_TOPICS.forEach((topic, index) => {
      for (let partition = 0; partition < this.partitions; partition++) {
        const start = logKey(index, partition, 0);
        const end = logKey(index, partition, MAX_OFFSET);
        // The end of a reverse range is exclusive, and offset 0 must be found.
        const before = start.subarray(0, 3);
        const [oldest] = Array.from(log.getKeys({ start, end, limit: 1 }));
        const [newest] = Array.from(log.getKeys({ start: end, end: before, reverse: true, limit: 1 }));
        // A log that retention emptied still knows where it goes on.
        const mark = marks[`${topic}/${partition}`] ?? 0;
        this.next[index]![partition] = newest === undefined ? mark : logKeyOffset(newest) + 1;
        this.first[index]![partition] =
          oldest === undefined ? this.next[index]![partition]! : logKeyOffset(oldest);
      }
    });
  }

  partitionOf(key: string): number {
    return partitionOf(key, this.partitions);
  }

  starts(partition: number): Promise<Positions> {
    return Promise.resolve(this.positions(this.first, partition));
  }

  ends(partition: number): Promise<Positions> {
    return Promise.resolve(this.endsNow(partition));
  }

  /** As `ends`, at once. */
  endsNow(partition: number): Positions {
    return this.positions(this.next, partition);
  }

  private positions(table: number[][], partition: number): Positions {
    return Object.fromEntries(
      INPUT_TOPICS.map((topic, index) => [topic, table[index]![partition]!]),
    ) as Record<InputTopic, number>;
  }

  read(partition: number, from: Positions, maxRecords: number): Promise<TopicBatch[]> {
    try {
      return Promise.resolve(
        INPUT_TOPICS.map((topic, index) => this.readTopic(topic, index, partition, from[topic], maxRecords)),
      );
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  private readTopic(
    topic: InputTopic,
    index: number,
    partition: number,
    from: number,
    maxRecords: number,
  ): TopicBatch {
    const end = this.next[index]![partition]!;
    const start = this.first[index]![partition]!;
    if (from < start || from > end) throw new OffsetOutOfRangeError(topic, partition, from, start, end);
    if (from === end) return { topic, records: [], nextOffset: from, atEnd: true };
    const range = {
      start: logKey(index, partition, from),
      end: logKey(index, partition, end),
      limit: maxRecords,
    };
    const records = [];
    for (const { key, value } of this.environment.log.getRange(range)) {
      const keyBytes = value.readUInt16BE(8);
      records.push({
        topic,
        partition,
        offset: logKeyOffset(key),
        recordAt: value.readDoubleBE(0),
        key: value.toString('utf8', 10, 10 + keyBytes),
        value: value.subarray(10 + keyBytes),
      });
    }
    const last = records[records.length - 1];
    const nextOffset = last === undefined ? end : last.offset + 1;
    return { topic, records, nextOffset, atEnd: nextOffset >= end };
  }

  append(topic: InputTopic, partition: number, records: readonly AppendRecord[]): Promise<number> {
    return Promise.resolve(this.environment.write(() => this.appendInTransaction(topic, partition, records)));
  }

  /** For writers that put more into the same transaction. */
  appendInTransaction(topic: InputTopic, partition: number, records: readonly AppendRecord[]): number {
    const index = INPUT_TOPICS.indexOf(topic);
    const start = this.next[index]![partition]!;
    let offset = start;
    for (const record of records)
      this.environment.log.putSync(logKey(index, partition, offset++), packRecord(record));
    this.next[index]![partition] = offset;
    return start;
  }

  committed(partition: number): Promise<Positions | null> {
    return Promise.resolve(this.committedNow(partition));
  }

  /** As `committed`, at once. */
  committedNow(partition: number): Positions | null {
    return (
      this.environment.getDocument<{ positions: Positions | null }>(`lane/${partition}`)?.positions ?? null
    );
  }

  /** Removes records before `before` in small transactions; returns how many. */
  trim(partition: number, before: Positions): number {
    let removed = 0;
    INPUT_TOPICS.forEach((topic, index) => {
      const limit = Math.min(before[topic], this.next[index]![partition]!);
      while (this.first[index]![partition]! < limit) {
        const to = Math.min(limit, this.first[index]![partition]! + 1_000);
        this.environment.write(() => this.removeTo(topic, index, partition, to));
        removed += to - this.first[index]![partition]!;
        this.first[index]![partition] = to;
      }
    });
    return removed;
  }

  private removeTo(topic: InputTopic, index: number, partition: number, to: number): void {
    for (let offset = this.first[index]![partition]!; offset < to; offset++)
      this.environment.log.removeSync(logKey(index, partition, offset));
    const marks = this.environment.getDocument<Record<string, number>>('log-next') ?? {};
    this.environment.putDocument('log-next', {
      ...marks,
      [`${topic}/${partition}`]: this.next[index]![partition]!,
    });
  }
}
