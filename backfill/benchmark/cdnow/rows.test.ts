/** What the benchmark may know: nothing after the calibration reaches a row, and labels are what came. */
import { existsSync } from 'node:fs';
import { resolve, join } from 'node:path';
import { DAY_MS } from '../../../schemas';
import type { CustomerId } from '../../../schemas';
import { FEATURE_NAMES } from '../../../processors/core';
import type { OrderInput } from '../../../processors/core';
import { CALIBRATION_END, REVENUE_DAYS, looksAt } from './instants';
import { readOrders } from './orders';
import { heldOut, rowsOf } from './rows';

const NOON = Date.UTC(1997, 0, 1, 12);
const ID = '00001' as CustomerId;

function order(day: number, amountMinor: number): OrderInput {
  const eventAt = NOON + day * DAY_MS;
  const source = { topic: 'orders' as const, partition: 0, offset: day, index: 0 };
  const place = { customerId: ID, recordAt: eventAt, source, mailedFrom: null };
  const id = `m${day}`;
  return {
    kind: 'order',
    ...place,
    messageId: id,
    eventAt,
    flags: 0,
    action: 'completed',
    orderId: id,
    amountMinor,
  } as never;
}

const calibration = [order(20, 1_000), order(90, 2_000), order(200, 4_000), order(272, 500)];

test('orders after the calibration change no row, only what is held out', () => {
  const later = [order(273, 700), order(302, 900), order(303, 1_100), order(545, 1_300), order(546, 9_900)];
  expect(rowsOf(0, ID, [...calibration, ...later])).toEqual(rowsOf(0, ID, calibration));
  expect(heldOut(calibration)).toEqual({ churn: 1, revenue: 0 });
  expect(heldOut([...calibration, ...later])).toEqual({ churn: 0, revenue: 40 });
  expect(heldOut([...calibration, order(303, 1_100)])).toEqual({ churn: 1, revenue: 11 });
});

test('every look but now has its label inside the calibration, at the proportion of the question', () => {
  for (let first = 0; first < 90; first++) {
    const looks = looksAt(NOON + first * DAY_MS);
    const age = 272 - first;
    expect(looks.filter(({ kind }) => kind === 'now')).toEqual([
      { kind: 'now', at: CALIBRATION_END, days: REVENUE_DAYS },
    ]);
    for (const { kind, at, days } of looks)
      if (kind !== 'now') expect(at + days * DAY_MS).toBeLessThanOrEqual(CALIBRATION_END);
    const then = looks.find(({ kind }) => kind === 'revenue')!;
    expect(Math.abs(then.days / (age - then.days) - REVENUE_DAYS / age)).toBeLessThan(0.04);
  }
});

test('a row knows the orders until its look, and its label those after it', () => {
  const column = FEATURE_NAMES.indexOf('revenue_lifetime');
  for (const { look, vector, label } of rowsOf(0, ID, calibration)) {
    const [seen, coming] = [[] as number[], [] as number[]];
    for (const { eventAt, amountMinor } of calibration)
      if (eventAt <= look.at) seen.push(amountMinor!);
      else if (eventAt <= look.at + look.days * DAY_MS) coming.push(amountMinor!);
    const sum = (amounts: number[]): number => amounts.reduce((all, one) => all + one, 0) / 100;
    expect(vector[column]).toBeCloseTo(sum(seen), 4);
    if (look.kind === 'revenue') expect(label).toBeCloseTo(sum(coming), 6);
    if (look.kind === 'churn') expect(label).toBe(Number(coming.length === 0));
    if (look.kind === 'now') expect(label).toBeNaN();
  }
});

const data = process.env['RESCORE_DATA'] ?? resolve(__dirname, '..', '..', '..', '..', 'shared', 'data');
const sample = join(data, 'cdnow', 'CDNOW_master.txt');
if (!existsSync(sample)) process.stderr.write('SKIPPED: cdnow/CDNOW_master.txt is not in RESCORE_DATA.\n');

(existsSync(sample) ? test : test.skip)('the file is read whole', async () => {
  const orders = await readOrders(sample);
  const all = [...orders.values()].flat();
  expect([orders.size, all.length]).toEqual([23_570, 69_659]);
  expect(all.reduce((sum, { amountMinor }) => sum + amountMinor!, 0)).toBe(250_031_563);
  expect(all.every(({ eventAt }) => eventAt % DAY_MS === DAY_MS / 2)).toBe(true);
});
