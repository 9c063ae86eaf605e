/**
 * The archive as one history for the fold of snapshots: every partition, merged by record timestamp. Mail is left out,
 * as the fold delivers it itself.
 */
import type { EpochMs, InputTopic, Positions } from '../../schemas';
import { DecodeError } from '../../processors/ports';
import type { EventLog, LogRecord, WireCodec } from '../../processors/ports';
import type { HistoryRecord } from '../dataset';

/** At one instant in this order, as a lane reads: data before commands. */
const TOPICS = ['web-events', 'orders', 'customers', 'customer-commands'] as const satisfies InputTopic[];
const PAGE = 1_000;

export interface ArchiveHistoryOptions {
  log: EventLog;
  codec: Pick<WireCodec, 'decode'>;
  /** A record that can't be decoded: the stream made a dead letter of it, whatever the codec threw. */
  onUndecodable?: (record: LogRecord, error: unknown) => void;
}

interface Cursor {
  topic: (typeof TOPICS)[number];
  partition: number;
  records: LogRecord[];
  head: number;
  nextOffset: number;
  atEnd: boolean;
}

/**
 * Records in the order of their timestamps, those of one instant by topic, then partition. Where a broker's clock went
 * back, a record counts as from the newest instant before it.
 * @throws ArchiveDamagedError, OffsetOutOfRangeError
 */
export async function* archiveHistory(options: ArchiveHistoryOptions): AsyncGenerator<HistoryRecord> {
  const { log } = options;
  const cursors = await openCursors(log);
  let newest: EpochMs = -Infinity;
  for (;;) {
    const cursor = smallest(cursors);
    if (cursor === null) return;
    const record = cursor.records[cursor.head++]!;
    await fill(log, cursor);
    newest = Math.max(newest, record.recordAt);
    const decoded = decode(record, newest, options);
    if (decoded !== null) yield decoded;
  }
}

async function openCursors(log: EventLog): Promise<Cursor[]> {
  const cursors: Cursor[] = [];
  for (const topic of TOPICS)
    for (let partition = 0; partition < log.partitions; partition++) {
      const { [topic]: nextOffset } = await log.starts(partition);
      const cursor = { topic, partition, records: [], head: 0, nextOffset, atEnd: false };
      await fill(log, cursor);
      cursors.push(cursor);
    }
  return cursors;
}

/** Reads on until there is a record or the end: a page may hold only gaps. */
async function fill(log: EventLog, cursor: Cursor): Promise<void> {
  while (cursor.head >= cursor.records.length && !cursor.atEnd) {
    const from = { ...(await log.starts(cursor.partition)), [cursor.topic]: cursor.nextOffset } as Positions;
    const [batch] = await log.read(cursor.partition, from, PAGE, [cursor.topic]);
    if (batch?.topic !== cursor.topic) throw new Error(`The log did not answer for ${cursor.topic}.`);
    cursor.records = batch.records;
    cursor.head = 0;
    cursor.nextOffset = batch.nextOffset;
    cursor.atEnd = batch.atEnd;
  }
}

/** The cursors are in the order that decides among equals. */
function smallest(cursors: readonly Cursor[]): Cursor | null {
  let found: Cursor | null = null;
  let least = Infinity;
  for (const cursor of cursors) {
    const at = cursor.records[cursor.head]?.recordAt ?? Infinity;
    if (at < least) [found, least] = [cursor, at];
  }
  return found;
}

function decode(
  record: LogRecord,
  recordAt: EpochMs,
  { codec, onUndecodable }: ArchiveHistoryOptions,
): HistoryRecord | null {
  const { topic, value, fault } = record;
  try {
    if (fault !== undefined) throw new DecodeError(fault.code, fault.reason);
    return { topic, recordAt, value: codec.decode(topic, value) } as HistoryRecord;
  } catch (error) {
    onUndecodable?.(record, error);
    return null;
  }
}
