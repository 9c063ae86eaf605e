/** An archive as it stands night after night: the same log, seen a little further each time. */
import type { EpochMs, InputTopic } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import { Archiver, openArchive } from '../../streams/archive';
import type { OpenArchive } from '../../streams/archive';
import { LogSource, MemoryStorage } from '../../streams/archive/testing/worlds';
import { createAvroCodec } from '../../streams/avro/codec';
import { partitionOf } from '../../streams/partitioner';
import type { HistoryRecord } from '../dataset';

const codec = createAvroCodec();

export interface LogRow {
  offset: number;
  recordAt: EpochMs;
  key: string;
  value: Buffer;
  fault: null;
}

interface Log {
  topic: InputTopic;
  partition: number;
  rows: LogRow[];
}

const keyOf = ({ value }: HistoryRecord): string =>
  'customerId' in value ? value.customerId : (value.userId ?? `anon:${value.anonymousId}`);

/** Logs of `records`, which come in the order of their arrival. Offsets have gaps, as transactions leave them. */
export function logsOf(records: readonly HistoryRecord[], partitions: number): Log[] {
  const logs = INPUT_TOPICS.flatMap(topic =>
    Array.from({ length: partitions }, (_, partition): Log => ({ topic, partition, rows: [] })),
  );
  for (const record of records) {
    const { topic, recordAt } = record;
    const key = keyOf(record);
    const { rows } = logs.find(one => one.topic === topic && one.partition === partitionOf(key, partitions))!;
    const value = Buffer.from(codec.encodeInput<InputTopic>(topic, record.value));
    rows.push({ offset: rows.length + 2 * Math.floor(rows.length / 5), recordAt, key, value, fault: null });
  }
  return logs;
}

/** What had arrived by `now`, however far back the broker's clock went for some of it. */
function arrivedBy(now: EpochMs, { rows, ...place }: Log): Log {
  const later = rows.findIndex(({ recordAt }) => recordAt > now);
  return { ...place, rows: later === -1 ? rows : rows.slice(0, later) };
}

export class GrowingArchive {
  readonly storage = new MemoryStorage();

  constructor(
    private readonly logs: readonly Log[],
    private readonly partitions: number,
  ) {}

  /** Archived as far as is decided at `now`; `late` says which logs the archive does not know of yet. */
  async at(now: EpochMs, late: (log: Log) => boolean = () => false): Promise<OpenArchive> {
    const shown = this.logs.filter(log => !late(log)).map(log => arrivedBy(now, log));
    const source = new LogSource(
      this.partitions,
      shown.filter(({ rows }) => rows.length > 0),
    );
    const clock = { now: () => now };
    await (await Archiver.open({ storage: this.storage, source, clock, fileOffsets: 64 })).round();
    return openArchive(this.storage);
  }
}
