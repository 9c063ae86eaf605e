/** What every EventLog keeps, whatever holds it. */
import type { InputTopic } from '../schemas';
import { INPUT_TOPICS } from '../schemas';
import { OffsetOutOfRangeError } from '../processors/ports';
import type { EventLog, LogRecord, TopicBatch } from '../processors/ports';
import { positionsAt as at } from '../processors/state/state-store.contract';

const records = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    key: `customer-ü-${from + index}`,
    recordAt: 1_000 + from + index,
    value: Uint8Array.from([0, (from + index) % 256, 255]),
  }));

/** Gives an empty log of two partitions. */
export type OpenEventLog = () => Promise<{
  log: EventLog;
  close(): Promise<void>;
  /** Retention: records of a topic before `offset` are gone. */
  trim(topic: InputTopic, partition: number, offset: number): void | Promise<void>;
}>;

export function describeEventLog(name: string, open: OpenEventLog): void {
  describe(`${name} keeps the contract of an event log`, () => {
    let opened: Awaited<ReturnType<OpenEventLog>>;
    beforeEach(async () => void (opened = await open()));
    afterEach(async () => opened.close());
    appends(() => opened.log);
    reads(() => opened.log);
    positions(() => opened);
  });
}

async function readTopic(
  log: EventLog,
  topic: InputTopic,
  from: number,
  limit: number,
  partition = 0,
): Promise<TopicBatch> {
  const start = await log.starts(partition);
  const batches = await log.read(partition, { ...start, [topic]: from }, limit);
  return batches.find(batch => batch.topic === topic)!;
}

const offsets = (batch: TopicBatch): number[] => batch.records.map(({ offset }) => offset);

function appends(log: () => EventLog): void {
  test('append returns the offset of its first record', async () => {
    expect(await log().append('orders', 0, records(0, 3))).toBe(0);
    expect(await log().append('orders', 0, records(3, 2))).toBe(3);
    expect(await log().append('orders', 0, [])).toBe(5);
    expect(await log().ends(0)).toEqual({ ...at(0), orders: 5 });
  });

  test('records come back in the order of their offsets, with key, time and bytes', async () => {
    await log().append('orders', 0, records(0, 3));
    await log().append('orders', 0, records(3, 2));
    const batch = await readTopic(log(), 'orders', 0, 10);
    expect(batch.records.map(({ value, ...rest }) => ({ ...rest, value: Array.from(value) }))).toEqual(
      Array.from({ length: 5 }, (_, index) => ({
        topic: 'orders',
        partition: 0,
        offset: index,
        key: `customer-ü-${index}`,
        recordAt: 1_000 + index,
        value: [0, index, 255],
      })),
    );
    expect(batch).toMatchObject({ nextOffset: 5, atEnd: true });
  });

  test('appends that are not awaited one by one keep their order and lose nothing', async () => {
    const firsts = await Promise.all(
      Array.from({ length: 20 }, (_, index) => log().append('orders', 0, records(index * 3, 3))),
    );
    expect(firsts).toEqual(Array.from({ length: 20 }, (_, index) => index * 3));
    const batch = await readTopic(log(), 'orders', 0, 100);
    expect(batch.records.map(({ value }) => value[1])).toEqual(
      Array.from({ length: 60 }, (_, index) => index),
    );
  });

  test('topics and partitions are apart', async () => {
    await log().append('orders', 1, records(0, 2));
    expect(await log().ends(0)).toEqual(at(0));
    expect(await log().ends(1)).toEqual({ ...at(0), orders: 2 });
    expect((await readTopic(log(), 'web-events', 0, 9, 1)).records).toEqual([]);
  });

  test('the log keeps its own copy of what it was given', async () => {
    const value = Uint8Array.from([1, 2, 3]);
    await log().append('orders', 0, [{ key: 'kim', recordAt: 1, value }]);
    value.fill(9);
    expect(Array.from((await readTopic(log(), 'orders', 0, 1)).records[0]!.value)).toEqual([1, 2, 3]);
  });

  test('empty and large values come back whole', async () => {
    const values = [new Uint8Array(0), new Uint8Array(2_000_000).fill(7)];
    await log().append(
      'orders',
      0,
      values.map(value => ({ key: 'kim', recordAt: 1, value })),
    );
    const read: LogRecord[] = [];
    for (let batch, from = 0; batch?.atEnd !== true; from = batch.nextOffset) {
      // What is large may come by itself.
      batch = await readTopic(log(), 'orders', from, 2);
      read.push(...batch.records);
    }
    expect(read.map(({ value }) => value.length)).toEqual([0, 2_000_000]);
    expect(read[1]!.value.every(byte => byte === 7)).toBe(true);
  });
}

function reads(log: () => EventLog): void {
  test('an empty log has one empty batch per topic, at its end', async () => {
    expect(await log().read(0, at(0), 10)).toMatchObject(
      INPUT_TOPICS.map(topic => ({ topic, records: [], nextOffset: 0, atEnd: true })),
    );
  });

  test('a read is limited per topic and says that more is there', async () => {
    await log().append('web-events', 0, records(0, 5));
    await log().append('orders', 0, records(0, 2));
    expect(await readTopic(log(), 'web-events', 1, 3)).toMatchObject({ nextOffset: 4, atEnd: false });
    const last = await readTopic(log(), 'web-events', 4, 3);
    expect([offsets(last), last.nextOffset, last.atEnd]).toEqual([[4], 5, true]);
    expect(await readTopic(log(), 'web-events', 5, 3)).toMatchObject({
      records: [],
      nextOffset: 5,
      atEnd: true,
    });
    const both = await log().read(0, at(0), 2);
    expect(both.find(({ topic }) => topic === 'orders')).toMatchObject({ nextOffset: 2, atEnd: true });
  });

  test('a read that ends with the last record is at the end', async () => {
    await log().append('orders', 0, records(0, 4));
    expect(await readTopic(log(), 'orders', 0, 4)).toMatchObject({ nextOffset: 4, atEnd: true });
  });

  test('what was read stays as it was while more is written', async () => {
    await log().append('orders', 0, records(0, 200));
    const before = (await readTopic(log(), 'orders', 0, 100)).records;
    for (let round = 1; round < 20; round++) await log().append('orders', 0, records(7, 200));
    await readTopic(log(), 'orders', 1_000, 1_000);
    expect(before.map(({ value }) => value[1])).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });
}

function positions(opened: () => Awaited<ReturnType<OpenEventLog>>): void {
  test('an empty log starts and ends at 0, and nothing is committed', async () => {
    const { log } = opened();
    expect(await log.starts(0)).toEqual(at(0));
    expect(await log.ends(0)).toEqual(at(0));
    expect(await log.committed(0)).toBeNull();
  });

  test('after retention the log starts later, and counts on', async () => {
    const { log, trim } = opened();
    await log.append('orders', 0, records(0, 5));
    await trim('orders', 0, 3);
    expect(await log.starts(0)).toEqual({ ...at(0), orders: 3 });
    expect(offsets(await readTopic(log, 'orders', 3, 9))).toEqual([3, 4]);
    await trim('orders', 0, 5);
    expect(await log.starts(0)).toEqual({ ...at(0), orders: 5 });
    expect(await log.append('orders', 0, records(5, 1))).toBe(5);
    expect(await log.starts(0)).toEqual({ ...at(0), orders: 5 });
  });

  test('a read from before the start or from past the end is refused, never silently moved', async () => {
    const { log, trim } = opened();
    await log.append('orders', 0, records(0, 5));
    await trim('orders', 0, 3);
    await expect(log.read(0, { ...at(0), orders: 2 }, 10)).rejects.toThrow(OffsetOutOfRangeError);
    await expect(log.read(0, { ...at(0), orders: 6 }, 10)).rejects.toThrow('holds offsets 3 to 5');
  });

  test('a key has one partition, the one of the Java clients', () => {
    const { log } = opened();
    // murmur2('foobar') = -790332482 and murmur2('21') = -973932308, masked to 31 bits.
    expect([log.partitions, log.partitionOf('foobar'), log.partitionOf('21')]).toEqual([2, 0, 0]);
    expect(log.partitionOf('abc')).toBe(479470107 % 2);
  });
}
