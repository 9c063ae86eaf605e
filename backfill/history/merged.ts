/** Partitions of an archive as one sequence of records, in the order of a lane. */
import type { EpochMs, InputTopic, Positions } from '../../schemas';
import type { EventLog, LogRecord } from '../../processors/ports';

/** At one instant in this order, as a lane reads: data before commands. */
const MERGE_ORDER: readonly InputTopic[] = [
  'web-events',
  'orders',
  'customers',
  'customer-mail',
  'customer-commands',
];
const PAGE = 1_000;

/** Offsets of the next records by `topic/partition`. */
export type Offsets = Readonly<Record<string, number>>;

interface Cursor {
  topic: InputTopic;
  partition: number;
  records: LogRecord[];
  head: number;
  nextOffset: number;
  atEnd: boolean;
}

const nameOf = ({ topic, partition }: Pick<Cursor, 'topic' | 'partition'>): string => `${topic}/${partition}`;

/** Records in the order of their timestamps, those of one instant by topic, then partition. */
export class MergedRecords {
  private constructor(
    private readonly log: EventLog,
    private readonly cursors: readonly Cursor[],
  ) {}

  /** `from` null: from the first records that the log holds. */
  static async open(
    log: EventLog,
    partitions: readonly number[],
    leftOut: readonly InputTopic[],
    from: Offsets | null,
  ): Promise<MergedRecords> {
    const cursors: Cursor[] = [];
    for (const topic of MERGE_ORDER.filter(one => !leftOut.includes(one)))
      for (const partition of partitions) {
        // Nothing was read there yet: an archive that had no file of it may have begun anywhere since.
        const nextOffset = from?.[nameOf({ topic, partition })] || (await log.starts(partition))[topic];
        cursors.push({ topic, partition, records: [], head: 0, nextOffset, atEnd: false });
      }
    return new MergedRecords(log, cursors);
  }

  /**
   * The next record, which `take` will take; null at the end of all.
   * @throws ArchiveDamagedError, OffsetOutOfRangeError
   */
  async peek(): Promise<LogRecord | null> {
    await this.fill();
    return this.peekHeld() ?? null;
  }

  /** As `peek` where no page must be read for it; undefined where one must. */
  peekHeld(): LogRecord | null | undefined {
    let found: LogRecord | null = null;
    let least: EpochMs = Infinity;
    for (const { records, head, atEnd } of this.cursors) {
      const record = records[head];
      if (record === undefined) {
        if (!atEnd) return undefined;
      } else if (record.recordAt < least) [found, least] = [record, record.recordAt];
    }
    return found;
  }

  /** Takes what `peek` has shown. */
  take({ topic, partition }: LogRecord): void {
    for (const cursor of this.cursors)
      if (cursor.topic === topic && cursor.partition === partition) {
        cursor.head++;
        return;
      }
  }

  /** Where another reader would go on. */
  offsets(): Offsets {
    return Object.fromEntries(
      this.cursors.map(cursor => [nameOf(cursor), cursor.records[cursor.head]?.offset ?? cursor.nextOffset]),
    );
  }

  /** Reads on until there is a record or the end: a page may hold only gaps. */
  private async fill(): Promise<void> {
    for (const cursor of this.cursors)
      while (cursor.head >= cursor.records.length && !cursor.atEnd) {
        const { topic, partition, nextOffset } = cursor;
        const from = { ...(await this.log.starts(partition)), [topic]: nextOffset } as Positions;
        const [batch] = await this.log.read(partition, from, PAGE, [topic]);
        if (batch?.topic !== topic) throw new Error(`The log did not answer for ${topic}.`);
        cursor.records = batch.records;
        cursor.head = 0;
        cursor.nextOffset = batch.nextOffset;
        cursor.atEnd = batch.atEnd;
      }
  }
}
