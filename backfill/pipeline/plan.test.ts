/** Which histories a plan takes, and which it refuses before anything is replayed. */
import { DAY_MS, HOUR_MS } from '../../schemas';
import { DEFAULT_RULES } from '../../processors/core';
import { Archiver, openArchive } from '../../streams/archive';
import { LogSource, MemoryStorage } from '../../streams/archive/testing/worlds';
import { doubtsOf, makePlan } from './plan';
import type { Plan, PlanRequest } from './plan';

const START = Date.UTC(2026, 0, 1);
const DAYS = Array.from({ length: 100 }, (_, day) => day);

const rowsOf = (days: readonly number[]) =>
  days.map((day, offset) => {
    const recordAt = START + day * DAY_MS + 12 * HOUR_MS;
    return { offset, recordAt, key: 'kim', value: Buffer.from('x'), fault: null };
  });

/** A visit at noon of each of these days, in an archive; `lost` names days whose manifest is gone. */
async function planOf(
  days: readonly number[],
  { lost = [], ...asked }: Partial<PlanRequest> & { lost?: readonly number[] } = {},
): Promise<Plan> {
  const storage = new MemoryStorage();
  const source = new LogSource(1, [{ topic: 'web-events', partition: 0, rows: rowsOf(days) }]);
  const clock = { now: () => START + 1_000_000 * DAY_MS };
  await (await Archiver.open({ storage, source, clock, fileOffsets: 1_000 })).round();
  for (const day of lost) {
    const name = `manifest/day=${new Date(START + day * DAY_MS).toISOString().slice(0, 10)}.json`;
    expect(await storage.read(name)).not.toBeNull();
    storage.remove(name);
  }
  const archive = await openArchive(storage);
  const request = { archive, location: 'm', words: 't', kind: null, rules: DEFAULT_RULES };
  return makePlan({ ...request, startAt: null, endAt: null, ...asked });
}

test('the range is from the midnight before the first record to the one before the last', async () => {
  const { range, items } = await planOf(DAYS);
  expect(range).toEqual({ startAt: START, endAt: START + 99 * DAY_MS });
  expect(items[0]).toMatchObject({ days: 99, records: 99 });
});

test('a range may end with the last day that the archive has, not later', async () => {
  const { range } = await planOf(DAYS, { endAt: START + 100 * DAY_MS });
  expect(range.endAt).toBe(START + 100 * DAY_MS);
  await expect(planOf(DAYS, { endAt: START + 100 * DAY_MS + 1 })).rejects.toMatchObject({
    code: 'history-short',
    message: expect.stringContaining('ends on 2026-04-10, and --until is 2026-04-11') as string,
  });
});

test('rows that stand alone in the future or in the past are no end and no begin of a history', async () => {
  const gap = (from: string, until: string): unknown =>
    expect.objectContaining({
      code: 'history-gap',
      message: `There is no record of anybody between ${from} and ${until}.`,
    });
  await expect(planOf([...DAYS, 26_000])).rejects.toEqual(gap('2026-04-10', '2097-03-09'));
  await expect(planOf([-5_000, ...DAYS])).rejects.toEqual(gap('2012-04-24', '2026-01-01'));
  const endAt = START + 99 * DAY_MS;
  expect((await planOf([...DAYS, 26_000], { endAt })).range).toEqual({ startAt: START, endAt });
  expect((await planOf([-5_000, ...DAYS], { startAt: START })).range).toEqual({ startAt: START, endAt });
});

test('thirty days without anybody are a holiday, more are a hole', async () => {
  const away = (days: number): number[] => [...DAYS, ...DAYS.map(day => 99 + days + day)];
  expect((await planOf(away(30))).range.startAt).toBe(START);
  await expect(planOf(away(31))).rejects.toMatchObject({ code: 'history-gap' });
});

test('a day that the archive has lost is found before anything is replayed', async () => {
  await expect(planOf(DAYS, { lost: [40] })).rejects.toThrow(
    'Partition 0 of web-events lacks offsets 40 to 40',
  );
});

test('a partition that does not reach the last day is pointed at', async () => {
  const storage = new MemoryStorage();
  const logs = [DAYS, DAYS.slice(0, 98), DAYS.slice(0, 99)].map((days, partition) => ({
    topic: 'orders' as const,
    partition,
    rows: rowsOf(days),
  }));
  const clock = { now: () => START + 1_000_000 * DAY_MS };
  const source = new LogSource(3, logs);
  await (await Archiver.open({ storage, source, clock, fileOffsets: 1_000 })).round();
  const range = { startAt: START, endAt: START + 99 * DAY_MS };
  expect(doubtsOf(await openArchive(storage), range)).toEqual([
    'Partition(s) 1 hold nothing of the last day, 2026-04-09: if the archive is late, plan again when it is there.',
  ]);
});

test('less than a whole day is no history', async () => {
  await expect(planOf([3])).rejects.toMatchObject({ code: 'history-short' });
  await expect(planOf([])).rejects.toMatchObject({ code: 'history-short' });
});
