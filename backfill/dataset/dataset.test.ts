import type { EpochMs } from '../../schemas';
import { DAY_MS, HOUR_MS } from '../../schemas';
import { FEATURE_NAMES } from '../../processors/core';
import { END, RANGE, START, inOrder, purchase, smallHistory, visit } from '../testing/small-history';
import { HistoryFold } from './history';
import type { HistoryRecord } from './history';
import { LABEL_PLANS } from './plan';
import type { Snapshots } from './snapshots';
import { labelOf } from './select';
import { summariseRows } from './summary';

const fold = (records: readonly HistoryRecord[]): Snapshots => {
  const history = new HistoryFold(RANGE);
  for (const record of records) history.take(record);
  return history.finish();
};
const [ENGAGEMENT, CHURN, LTV] = LABEL_PLANS as [
  (typeof LABEL_PLANS)[0],
  (typeof LABEL_PLANS)[0],
  (typeof LABEL_PLANS)[0],
];
const history = smallHistory(60);
const snapshots = fold(history);

const vectorsUntil = (found: Snapshots, until: EpochMs): Map<string, string> =>
  new Map(
    found.rows.flatMap(({ customerId, at }, row) =>
      at < until
        ? [[`${customerId} ${at}`, Buffer.from(found.vector(row).slice().buffer).toString('hex')] as const]
        : [],
    ),
  );

test.each([70, 155.5, 299])('what arrives after day %d changes no vector at or before it', days => {
  const cut = START + days * DAY_MS;
  const before = vectorsUntil(snapshots, cut);
  const later = history.filter(({ recordAt }) => recordAt >= cut);
  const kept = history.filter(({ recordAt }) => recordAt < cut);
  // The same instants with other content: everybody's later records are given to somebody else.
  const users = later.map(({ value }) => ('userId' in value ? value.userId : null)).reverse();
  const shuffled = later.map((record, index) => ({
    ...record,
    value: { ...record.value, userId: users[index] },
  })) as HistoryRecord[];
  const after = vectorsUntil(fold([...kept, ...shuffled]), cut);
  expect(before.size).toBeGreaterThan(40);
  for (const [key, vector] of before) expect([key, after.get(key)]).toEqual([key, vector]);
});

test('a late arrival is unknown until it arrives, and never part of the label', () => {
  const regular = Array.from({ length: 300 }, (_day, day) => visit('a', START + day * DAY_MS + HOUR_MS));
  const plain = fold(regular);
  const { at } = plain.rows[5]!;
  const late = visit('a', at - HOUR_MS, 3 * HOUR_MS);
  const found = fold(inOrder([...regular, late]));
  const views = FEATURE_NAMES.indexOf('page_views_last_30_days');
  expect(found.rows[5]!.at).toBe(at);
  expect(found.vector(5)).toEqual(plain.vector(5));
  expect(found.rows[5]).toEqual(plain.rows[5]);
  expect(found.vector(6)[views]).toBe(plain.vector(6)[views]! + 1);
});

test('labels: active spans of 24 hours, none at all, revenue net of refunds', () => {
  const first = fold([visit('a', START)]).rows[4]!.at;
  const day = (days: number): EpochMs => first + days * DAY_MS;
  const found = fold(
    inOrder([
      visit('a', START),
      visit('a', first), // at T itself: past
      visit('a', first + 1), // first span
      visit('a', day(1)), // its end
      visit('a', day(1) + 1), // second span
      visit('a', day(30)), // last span
      purchase('a', 'past', first, 7_000),
      purchase('a', 'kept', day(2), 5_000), // the second span's end
      purchase('a', 'cut', day(3), 4_000), // third
      purchase('a', 'cut', day(40), 1_000, 'refunded'),
      purchase('a', 'gone', day(4), 3_000), // fourth
      purchase('a', 'gone', day(45), 0, 'cancelled'),
      purchase('a', 'last', day(180), 600),
      purchase('a', 'beyond', day(180) + 1, 900),
    ]),
  );
  const row = found.rows.find(({ at }) => at === first)!;
  expect(labelOf(ENGAGEMENT, row)).toBe(5 / 30);
  expect(labelOf(CHURN, row)).toBe(0);
  expect(labelOf(LTV, row)).toBe((5_000 + 3_000 + 600) / 100);
  const silent = found.rows.find(({ at }) => at > day(46) && at < day(140))!;
  expect(labelOf(CHURN, silent)).toBe(1);
  expect(labelOf(ENGAGEMENT, silent)).toBe(0);
});

test('an erased customer trains nothing', () => {
  const command = {
    dueAt: null,
    cause: null,
    networkCentrality: null,
    avgConnectionStrength: null,
    computedAt: null,
  };
  const records: HistoryRecord[] = Array.from({ length: 200 }, (_d, day) => visit('a', START + day * DAY_MS));
  const value = { customerId: 'a', kind: 'erase' as const, ...command };
  records.push({ topic: 'customer-commands', recordAt: START + 200 * DAY_MS, value });
  const found = fold(records);
  expect(found.rows.length).toBeGreaterThan(5);
  expect(found.rows.every(row => row.erased)).toBe(true);
});

test('records out of order are refused', () => {
  const folding = new HistoryFold(RANGE);
  folding.take(visit('a', START + 2));
  expect(() => folding.take(visit('a', START + 1))).toThrow(RangeError);
});

test('snapshots see every hour of the day', () => {
  const hours = new Set(snapshots.rows.map(({ at }) => Math.floor((at % DAY_MS) / HOUR_MS)));
  expect(hours.size).toBe(24);
});

test.each(LABEL_PLANS)(
  '$name: training ends before validation begins, in mature time',
  ({ name, horizonMs }) => {
    const summary = summariseRows(snapshots, RANGE);
    const { training, validation } = summary.sides[name]!;
    expect(training.rows).toBeGreaterThan(20);
    expect(validation.rows).toBeGreaterThan(5);
    expect(training.until).toBeLessThan(validation.from);
    expect(training.from).toBeGreaterThanOrEqual(START + 90 * DAY_MS);
    expect(validation.until).toBeLessThanOrEqual(END - horizonMs);
    expect(summary.rows).toBeGreaterThanOrEqual(training.rows + validation.rows);
    expect(summary.customers).toBeLessThanOrEqual(60);
  },
);
