import { DAY_MS } from '../../../schemas';
import type { CustomerId, EpochMs } from '../../../schemas';
import { readSegmentLine } from '../../../streams/segment';
import { DEFAULT_RULES, SESSION_GAP_MS, readInput } from '../../core';
import { DEFAULT_WORLD, toSegmentLine, worldCustomerIds, worldRecords, worldTruth } from '.';
import type { WorldRecord } from '.';

const SETTINGS = { ...DEFAULT_WORLD, customers: 600, days: 100 };
const records = [...worldRecords(SETTINGS)];

/** Instants of own activity, as the core reads them, once for each message. */
const activity = new Map<CustomerId, EpochMs[]>();
const ordersBy = new Map<CustomerId, number>();
const acts: { towards: string; at: EpochMs }[] = [];
const seen = new Set<string>();
for (const { topic, recordAt, value } of records) {
  const place = { recordAt, source: { topic, partition: 0, offset: 0, index: 0 }, mailedFrom: null };
  const reading = readInput(topic, value, place, DEFAULT_RULES);
  if (!reading.ok) throw new Error(`${reading.code}: ${reading.reason}`);
  const { input } = reading;
  if (topic === 'web-events' && value.targetUserId !== null && 'eventAt' in input)
    acts.push({ towards: value.targetUserId, at: input.eventAt });
  if (seen.has(value.messageId)) continue;
  seen.add(value.messageId);
  const own = input.kind === 'activity' || (input.kind === 'order' && input.action === 'completed');
  if (!own) continue;
  if (input.kind === 'order') ordersBy.set(input.customerId, (ordersBy.get(input.customerId) ?? 0) + 1);
  else activity.set(input.customerId, [...(activity.get(input.customerId) ?? []), input.eventAt]);
}

function sessionLengths(): number[] {
  const lengths: number[] = [];
  for (const instants of activity.values()) {
    instants.sort((a, b) => a - b);
    let length = 0;
    instants.forEach((at, index) => {
      if (index > 0 && at - instants[index - 1]! > SESSION_GAP_MS) {
        lengths.push(length);
        length = 0;
      }
      length++;
    });
    lengths.push(length);
  }
  return lengths.sort((a, b) => a - b);
}

test('the same seed gives the same records, another seed gives others', () => {
  const first = (seed: number): string[] => {
    const world = worldRecords({ ...SETTINGS, customers: 50, seed });
    return Array.from({ length: 500 }, () => toSegmentLine(world.next().value as WorldRecord));
  };
  expect(first(7)).toEqual(first(7));
  expect(first(8)).not.toEqual(first(7));
});

test('records come in the order of their arrival, each customer by its own index', () => {
  expect(records.length).toBeGreaterThan(50_000);
  expect(records.findIndex(({ recordAt }, at) => at > 0 && recordAt < records[at - 1]!.recordAt)).toBe(-1);
  const known = new Set(worldCustomerIds(SETTINGS));
  expect(known.size).toBe(SETTINGS.customers);
  expect(records.every(({ customerId }) => known.has(customerId))).toBe(true);
});

test('sessions have six events in the mean and three in the middle, and a third has one', () => {
  const lengths = sessionLengths();
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  expect(mean).toBeGreaterThan(5.4);
  expect(mean).toBeLessThan(6.6);
  expect(lengths[lengths.length >> 1]).toBe(3);
  const ones = lengths.filter(length => length === 1).length / lengths.length;
  expect(Math.abs(ones - 1 / 3)).toBeLessThan(0.04);
});

test('arrivals are late and doubled as often as the settings say', () => {
  const doubled = records.length - new Set(records.map(({ value }) => value.messageId)).size;
  expect(doubled / records.length).toBeGreaterThan(0.006);
  expect(doubled / records.length).toBeLessThan(0.014);
  const late = records.filter(
    ({ recordAt, value }) => recordAt - (value.timestamp ?? recordAt) > 60_000,
  ).length;
  expect(late / records.length).toBeGreaterThan(0.006);
  expect(late / records.length).toBeLessThan(0.03);
});

test('others act towards those alone who have signed up and have a name', () => {
  const signUps = new Map(
    Array.from({ length: SETTINGS.customers }, (_, index) => worldTruth(SETTINGS, index)).map(truth => [
      truth.customerId as string,
      truth.signedUpAt,
    ]),
  );
  let newcomers = 0;
  for (const { towards, at } of acts) {
    const signedUpAt = signUps.get(towards);
    expect(signedUpAt).toBeLessThanOrEqual(at);
    if (signedUpAt! > SETTINGS.startAt) newcomers++;
  }
  expect(newcomers).toBeGreaterThan(100);
});

test('weekends are quieter than working days', () => {
  const perDay = [0, 0, 0, 0, 0, 0, 0];
  for (const instants of activity.values()) for (const at of instants) perDay[new Date(at).getUTCDay()]!++;
  expect((perDay[0]! + perDay[6]!) / 2).toBeLessThan(perDay[2]! * 0.9);
});

test('the truth is calibrated: churn, revenue and active days come as often as it bets', () => {
  const at = SETTINGS.startAt + 65 * DAY_MS;
  let [expected, came, customers, shares, realised] = [0, 0, 0, 0, 0];
  for (let index = 0; index < SETTINGS.customers; index++) {
    const truth = worldTruth(SETTINGS, index);
    if (truth.signedUpAt > at) continue;
    const after = (activity.get(truth.customerId) ?? []).filter(own => own >= at && own < at + 30 * DAY_MS);
    customers++;
    expected += truth.churnProbability(at);
    came += after.length === 0 ? 1 : 0;
    shares += truth.expectedActiveShare(at);
    realised += new Set(after.map(own => Math.floor(own / DAY_MS))).size / 30;
  }
  expect(customers).toBeGreaterThan(350);
  expect(Math.abs(expected - came) / customers).toBeLessThan(0.04);
  expect(Math.abs(shares - realised) / customers).toBeLessThan(0.03);
});

test('expected revenue is what comes, over everybody', () => {
  const at = SETTINGS.startAt;
  let expected = 0;
  for (let index = 0; index < SETTINGS.customers; index++)
    expected += worldTruth(SETTINGS, index).expectedRevenueMinor(at, SETTINGS.days);
  const completed = new Map<string, number>();
  let lost = 0;
  for (const record of records)
    if (record.topic === 'orders') {
      const { kind, order } = record.value;
      if (kind === 'completed') completed.set(order.orderId, order.revenueMinor!);
      else if (!seen.has(`gone ${order.orderId}`)) {
        seen.add(`gone ${order.orderId}`);
        lost += order.revenueMinor ?? completed.get(order.orderId) ?? 0;
      }
    }
  const revenue = [...completed.values()].reduce((sum, minor) => sum + minor, 0) - lost;
  expect(completed.size).toBeGreaterThan(500);
  expect(Math.abs(revenue / expected - 1)).toBeLessThan(0.15);
});

test('a line in the Segment shape is read back as the record that it was', () => {
  for (const record of records.slice(0, 3_000)) {
    const row = readSegmentLine(toSegmentLine(record));
    if (row.ok !== true) throw new Error(JSON.stringify(row));
    const { properties: _ours, ...ours } = { properties: {}, ...record.value };
    const { properties: _theirs, ...theirs } = { properties: {}, ...row.value };
    expect({ topic: row.topic, recordAt: row.recordAt, value: theirs }).toEqual({
      topic: record.topic,
      recordAt: record.recordAt,
      value: { ...ours, receivedAt: record.recordAt },
    });
  }
});

test('memory does not grow with the length of the world', () => {
  const world = worldRecords({ ...SETTINGS, customers: 200, days: 2_000 });
  let taken = 0;
  while (taken < 20_000 && world.next().done !== true) taken++;
  expect(taken).toBe(20_000);
  // Lazy: nothing of the last five years was made for these.
  expect((world.next().value as WorldRecord).recordAt).toBeLessThan(SETTINGS.startAt + 300 * DAY_MS);
});
