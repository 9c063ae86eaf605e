import type { InputTopic } from '../../schemas';
import { DAY_MS, INPUT_TOPICS } from '../../schemas';
import { Archiver, openArchive } from '../../streams/archive';
import { LogSource, MemoryStorage } from '../../streams/archive/testing/worlds';
import { createAvroCodec } from '../../streams/avro/codec';
import { partitionOf } from '../../streams/partitioner';
import { DEFAULT_RULES } from '../../processors/core';
import type { EventLog, LogRecord } from '../../processors/ports';
import { HistoryFold } from '../dataset';
import type { HistoryRecord } from '../dataset';
import { END, RANGE, START, purchase, smallHistory, visit } from '../testing/small-history';
import { MergedRecords } from './merged';
import type { Offsets } from './merged';
import { RawReader } from './reading';

type Row = Parameters<typeof rowsOf>[0][number];
const codec = createAvroCodec();
const PARTITIONS = 3;
const keyOf = ({ value }: HistoryRecord): string => ('userId' in value && value.userId) || 'nobody';

function rowsOf(records: readonly (HistoryRecord & { damaged?: boolean })[], topic: InputTopic, at: number) {
  return records
    .filter(record => record.topic === topic && partitionOf(keyOf(record), PARTITIONS) === at)
    .map((record, index) => ({
      // Offsets have gaps, as transactions leave them.
      offset: index + 2 * Math.floor(index / 5),
      recordAt: record.recordAt,
      key: keyOf(record),
      value: record.damaged ? Buffer.from('?') : Buffer.from(codec.encodeInput(topic, record.value)),
      fault: null,
    }));
}

/** An archive of them: files, manifests and all. */
async function archiveOf(records: readonly Row[]): Promise<EventLog> {
  const logs = INPUT_TOPICS.flatMap(topic =>
    Array.from({ length: PARTITIONS }, (_partition, partition) => ({
      topic,
      partition,
      rows: rowsOf(records, topic, partition),
    })),
  ).filter(({ rows }) => rows.length > 0);
  return archiveFrom(new LogSource(PARTITIONS, logs));
}

async function archiveFrom(source: LogSource): Promise<EventLog> {
  const storage = new MemoryStorage();
  const clock = { now: () => END + 1_000 * DAY_MS };
  const archiver = await Archiver.open({ storage, source, clock, fileOffsets: 64, fileBytes: 1 << 20 });
  await archiver.round();
  return (await openArchive(storage)).log();
}

const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);

async function merge(log: EventLog, from: Offsets | null = null, most = Infinity) {
  const merged = await MergedRecords.open(log, partitions, ['customer-mail'], from);
  const found: LogRecord[] = [];
  for (;;) {
    const record = merged.peekHeld() ?? (await merged.peek());
    if (record === null || found.length === most) return { found, offsets: merged.offsets() };
    merged.take(record);
    found.push(record);
  }
}

function foldedRaw(log: EventLog, records: readonly LogRecord[]): HistoryFold {
  const fold = new HistoryFold(RANGE);
  const reader = new RawReader(fold, { log, codec, rules: DEFAULT_RULES });
  let newest = -Infinity;
  for (const record of records) reader.read(record, (newest = Math.max(newest, record.recordAt)));
  return fold;
}

test('every record once, in the order of time; the fold makes the same snapshots of it', async () => {
  const records = smallHistory(12);
  const log = await archiveOf(records);
  const { found } = await merge(log);
  expect(found).toHaveLength(records.length);
  const direct = new HistoryFold(RANGE);
  for (const record of records) direct.take(record);
  const archived = foldedRaw(log, found);
  expect(archived.counts.refused).toBe(0);
  const [one, other] = [direct.finish(), archived.finish()].map(snapshots =>
    snapshots.rows.map((row, index) => JSON.stringify([row, [...snapshots.vector(index)]])).sort(),
  );
  expect(one!.length).toBeGreaterThan(100);
  expect(other).toEqual(one);
});

test('cut anywhere it goes on as if it had not been', async () => {
  const log = await archiveOf(smallHistory(6));
  const { found } = await merge(log);
  const places = (records: readonly LogRecord[]): string[] =>
    records.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`);
  for (let cut = 0; cut <= found.length; cut += 41) {
    const first = await merge(log, null, cut);
    const rest = await merge(log, first.offsets);
    expect(places([...first.found, ...rest.found])).toEqual(places(found));
  }
});

test('where nothing was read before, it begins where the log does by now', async () => {
  const row = { ...rowsOf([visit('a', START)], 'web-events', partitionOf('a', PARTITIONS))[0]!, offset: 40 };
  const partition = partitionOf('a', PARTITIONS);
  const source = new LogSource(PARTITIONS, [{ topic: 'web-events', partition, rows: [row] }]);
  source.expire('web-events', partition, 40);
  const log = await archiveFrom(source);
  expect((await log.starts(partition))['web-events']).toBe(40);
  const nothing = (await merge(await archiveFrom(new LogSource(PARTITIONS, [])))).offsets;
  expect((await merge(log, nothing)).found.map(({ offset }) => offset)).toEqual([40]);
});

test('data comes before commands and orders after visits of one instant', async () => {
  const records = [purchase('a', 'o', START, 100), visit('b', START), visit('a', START)];
  expect((await merge(await archiveOf(records))).found.map(({ topic }) => topic)).toEqual([
    'web-events',
    'web-events',
    'orders',
  ]);
});

test('what cannot be decoded is counted and left out', async () => {
  const log = await archiveOf([{ ...visit('a', START), damaged: true }, visit('a', START + 1)]);
  const { counts } = foldedRaw(log, (await merge(log)).found);
  expect(counts).toMatchObject({ inputs: 1, refused: 1 });
});
