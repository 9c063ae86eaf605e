import type { InputTopic } from '../../schemas';
import { DAY_MS, INPUT_TOPICS } from '../../schemas';
import { Archiver, openArchive } from '../../streams/archive';
import { LogSource, MemoryStorage } from '../../streams/archive/testing/worlds';
import { createAvroCodec } from '../../streams/avro/codec';
import { partitionOf } from '../../streams/partitioner';
import { HistoryFold } from '../dataset';
import type { HistoryRecord } from '../dataset';
import { END, RANGE, START, purchase, smallHistory, visit } from '../testing/small-history';
import { archiveHistory } from './archive';

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

/** Through a real archive: files, manifests and all. */
async function read(records: readonly Row[]): Promise<{ history: HistoryRecord[]; undecodable: string[] }> {
  const logs = INPUT_TOPICS.flatMap(topic =>
    Array.from({ length: PARTITIONS }, (_partition, partition) => ({
      topic,
      partition,
      rows: rowsOf(records, topic, partition),
    })),
  ).filter(({ rows }) => rows.length > 0);
  const storage = new MemoryStorage();
  const clock = { now: () => END + 1_000 * DAY_MS };
  const source = new LogSource(PARTITIONS, logs);
  const archiver = await Archiver.open({ storage, source, clock, fileOffsets: 64, fileBytes: 1 << 20 });
  await archiver.round();
  const log = (await openArchive(storage)).log();
  const undecodable: string[] = [];
  const history: HistoryRecord[] = [];
  const onUndecodable = (_record: unknown, error: unknown): void =>
    void undecodable.push((error as Error).name);
  for await (const record of archiveHistory({ log, codec, onUndecodable })) history.push(record);
  return { history, undecodable };
}

test('every record once, in the order of time; the fold makes the same snapshots of it', async () => {
  const records = smallHistory(12);
  const { history, undecodable } = await read(records);
  expect(undecodable).toEqual([]);
  expect(history).toHaveLength(records.length);
  const snapshots = [records, history].map(each => {
    const fold = new HistoryFold(RANGE);
    for (const record of each) fold.take(record);
    return fold.finish();
  });
  const [direct, archived] = snapshots.map(found =>
    found.rows.map((row, index) => JSON.stringify([row, [...found.vector(index)]])).sort(),
  );
  expect(direct!.length).toBeGreaterThan(100);
  expect(archived).toEqual(direct);
});

test('data comes before commands and orders after visits of one instant', async () => {
  const records = [purchase('a', 'o', START, 100), visit('b', START), visit('a', START)];
  expect((await read(records)).history.map(({ topic }) => topic)).toEqual([
    'web-events',
    'web-events',
    'orders',
  ]);
});

test('a clock that went back does not take the history back', async () => {
  const back = [visit('a', START + 1_000), visit('a', START + 400), visit('a', START + 2_000)];
  const { history } = await read(back);
  expect(history.map(({ recordAt }) => recordAt - START)).toEqual([1_000, 1_000, 2_000]);
});

test('what cannot be decoded is told and left out', async () => {
  const { history, undecodable } = await read([
    { ...visit('a', START), damaged: true },
    visit('a', START + 1),
  ]);
  expect(history).toHaveLength(1);
  expect(undecodable).toEqual(['DecodeError']);
});
