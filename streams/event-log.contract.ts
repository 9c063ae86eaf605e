/** What every EventLog keeps, whatever holds it. */
import type { InputTopic, Positions } from '../schemas';
import { INPUT_TOPICS } from '../schemas';
import type { EventLog } from '../processors/ports';

const at = (offset: number): Positions =>
  Object.fromEntries(INPUT_TOPICS.map(topic => [topic, offset])) as Record<InputTopic, number>;

const records = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    key: `customer-ü-${from + index}`,
    recordAt: 1_000 + from + index,
    value: Uint8Array.from([0, from + index, 255]),
  }));

/** `open` gives a log of two partitions. */
export function describeEventLog(
  name: string,
  open: () => Promise<{ log: EventLog; close(): Promise<void> }>,
): void {
  describe(`${name} keeps the contract of an event log`, () => {
    let log: EventLog;
    let close: () => Promise<void>;
    beforeEach(async () => ({ log, close } = await open()));
    afterEach(async () => close());

    const read = async (topic: InputTopic, from: number, limit: number, partition = 0) =>
      (await log.read(partition, { ...at(0), [topic]: from }, limit)).find(batch => batch.topic === topic)!;

    test('an empty log starts and ends at 0 and is at its end', async () => {
      expect(await log.starts(0)).toEqual(at(0));
      expect(await log.ends(0)).toEqual(at(0));
      expect((await log.read(0, at(0), 10)).map(({ topic, atEnd }) => [topic, atEnd])).toEqual(
        INPUT_TOPICS.map(topic => [topic, true]),
      );
      expect(await log.committed(0)).toBeNull();
    });

    test('records come back in the order of their offsets, with key, time and bytes', async () => {
      expect(await log.append('orders', 0, records(0, 3))).toBe(0);
      expect(await log.append('orders', 0, records(3, 2))).toBe(3);
      const batch = await read('orders', 0, 10);
      expect(batch.records.map(({ offset, key, recordAt }) => [offset, key, recordAt])).toEqual(
        Array.from({ length: 5 }, (_, index) => [index, `customer-ü-${index}`, 1_000 + index]),
      );
      expect(batch.records.map(({ value }) => Array.from(value))).toEqual(
        Array.from({ length: 5 }, (_, index) => [0, index, 255]),
      );
      expect(batch).toMatchObject({ nextOffset: 5, atEnd: true });
    });

    test('a read is limited and says that more is there', async () => {
      await log.append('web-events', 0, records(0, 5));
      expect(await read('web-events', 1, 3)).toMatchObject({ nextOffset: 4, atEnd: false });
      expect((await read('web-events', 4, 3)).records.map(({ offset }) => offset)).toEqual([4]);
      expect(await read('web-events', 5, 3)).toMatchObject({ records: [], nextOffset: 5, atEnd: true });
    });

    test('topics and partitions are apart', async () => {
      await log.append('orders', 1, records(0, 2));
      expect(await log.ends(0)).toEqual(at(0));
      expect(await log.ends(1)).toEqual({ ...at(0), orders: 2 });
      expect((await read('web-events', 0, 9, 1)).records).toEqual([]);
    });

    test('what was read stays as it was while more is written', async () => {
      await log.append('orders', 0, records(0, 200));
      const before = (await read('orders', 0, 100)).records;
      for (let round = 1; round < 20; round++)
        await log.append(
          'orders',
          0,
          records(200 * round, 200).map(r => ({ ...r, value: Uint8Array.from([9, 9, 9]) })),
        );
      await read('orders', 1_000, 1_000);
      expect(before.map(({ value }) => value[1])).toEqual(Array.from({ length: 100 }, (_, index) => index));
    });

    test('a key has one partition', () => {
      expect(log.partitionOf('kim')).toBe(log.partitionOf('kim'));
      expect(log.partitionOf('kim')).toBeLessThan(log.partitions);
    });
  });
}
