import { FEATURE_NAMES } from '../../processors/core';
import type { TrainedOn } from '../../processors/ports';
import { Random } from '../../processors/sim/random';
import { DAY_MS } from '../../schemas';
import type { CustomerId, EpochMs } from '../../schemas';
import { Bins } from './bins';
import { psiOf } from './psi';
import { DriftWatch } from './watch';
import type { DriftWatchSettings } from './watch';

const START = Date.UTC(2026, 0, 1);
const GRID = Array.from({ length: 21 }, (_, step) => step / 20);
const trained: readonly TrainedOn[] = [
  {
    name: 'churn',
    version: '1',
    quantiles: {
      score: GRID,
      features: Object.fromEntries(
        FEATURE_NAMES.map(name => [name, { undefinedShare: 0, values: GRID }] as const),
      ),
    },
  },
];
const SETTINGS: DriftWatchSettings = { customers: 2_000, windowMs: 31 * DAY_MS, warmUpMs: 0 };

const watchOf = (settings: Partial<DriftWatchSettings> = {}): DriftWatch =>
  new DriftWatch({ ...SETTINGS, ...settings });

/** One evaluation, as a lane shows it: every feature and the score have `value`. */
function show(
  watch: DriftWatch,
  id: string,
  value: number,
  { asOf = START as EpochMs, age = 90 * DAY_MS, trainedOn = trained } = {},
): void {
  const customerId = id as CustomerId;
  if (!watch.follows(customerId)) return;
  const cells = new Float32Array(3 * FEATURE_NAMES.length).fill(value, FEATURE_NAMES.length);
  const firstSeenAt = asOf - age;
  const offset = FEATURE_NAMES.length;
  watch.saw({ customerId, asOf, firstSeenAt, cells, offset, answers: () => value, trainedOn });
}

const values = (count: number, seed = 1): number[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => Math.fround(random.next()));
};

const scorePsi = async (watch: DriftWatch): Promise<number | undefined> =>
  (await watch.readings()).scores[0]?.psi;

describe('the watch over a stream', () => {
  it('equals the batch on the same rows', async () => {
    const watch = watchOf();
    const rows = values(1_500).map(value => value ** 2);
    rows.forEach((value, index) => show(watch, `customer-${index}`, value));
    const bins = new Bins({ undefinedShare: 0, values: GRID });
    const batch = psiOf(bins, bins.count(rows.map(Math.fround)));
    expect(batch).toBeGreaterThan(0.1);
    const { customers, features, scores } = await watch.readings();
    expect(customers).toBe(1_500);
    expect(features).toHaveLength(FEATURE_NAMES.length);
    for (const { model, psi } of [...features, ...scores]) {
      expect(model).toBe('churn');
      expect(psi).toBeCloseTo(batch, 12);
    }
  });

  it('counts a customer once, with its newest vector, however busy it is', async () => {
    const watch = watchOf();
    const rows = values(1_000);
    rows.forEach((value, index) => show(watch, `customer-${index}`, value));
    const before = (await scorePsi(watch))!;
    for (let times = 0; times < 5_000; times++) show(watch, 'customer-7', 0.99);
    show(watch, 'customer-7', rows[7]!);
    expect((await watch.readings()).customers).toBe(1_000);
    expect(await scorePsi(watch)).toBeCloseTo(before, 12);
  });

  it('holds a bounded sample of everybody: as likely late as early, by whatever names', async () => {
    const watch = watchOf();
    const rows = values(60_000);
    // Early customers have small values, late ones large: a sample of either alone has drifted far.
    rows.sort((a, b) => a - b).forEach((value, index) => show(watch, String(1_000_000 + index), value));
    const { customers } = await watch.readings();
    expect(customers).toBeLessThanOrEqual(2_000);
    expect(customers).toBeGreaterThan(700);
    expect(await scorePsi(watch)).toBeLessThan(0.06);
  });

  it('sees a shift, in stream time alone', async () => {
    const watch = watchOf();
    values(1_000).forEach((value, index) => show(watch, `a-${index}`, value));
    expect(await scorePsi(watch)).toBeLessThan(0.05);
    const later = { asOf: START + 32 * DAY_MS };
    values(1_000, 2).forEach((value, index) => show(watch, `b-${index}`, value / 2, later));
    expect((await watch.readings()).customers).toBe(1_000);
    expect(await scorePsi(watch)).toBeGreaterThan(0.25);
  });

  it('makes room by time before it makes the sample thinner', async () => {
    const watch = watchOf();
    for (let day = 0; day < 400; day += 40)
      values(1_400, day).forEach((value, index) =>
        show(watch, `${day}-${index}`, value, { asOf: START + day * DAY_MS }),
      );
    expect((await watch.readings()).customers).toBe(1_400);
  });
});

describe('the watch says nothing', () => {
  it('of fewer than 500 customers, and nothing of young ones', async () => {
    const watch = watchOf();
    values(499).forEach((value, index) => show(watch, `old-${index}`, value));
    values(900).forEach((value, index) => show(watch, `young-${index}`, value, { age: 59 * DAY_MS }));
    expect(await watch.readings()).toEqual({ customers: 499, features: [], scores: [] });
    show(watch, 'one more', 0.5);
    expect((await watch.readings()).features).not.toEqual([]);
  });

  it('before the stream has run for the warm-up', async () => {
    const watch = watchOf({ warmUpMs: 7 * DAY_MS });
    values(1_000).forEach((value, index) => show(watch, `a-${index}`, value));
    expect((await watch.readings()).scores).toEqual([]);
    show(watch, 'a-1', 0.5, { asOf: START + 7 * DAY_MS });
    expect((await watch.readings()).scores).toHaveLength(1);
  });

  it('of a new model by the answers of the one before; features go on', async () => {
    const watch = watchOf();
    const rows = values(1_000);
    rows.forEach((value, index) => show(watch, `a-${index}`, value));
    const trainedOn = [{ ...trained[0]!, version: '2' }];
    show(watch, 'a-0', rows[0]!, { trainedOn });
    expect((await watch.readings()).scores).toEqual([]);
    expect((await watch.readings()).features).toHaveLength(FEATURE_NAMES.length);
    rows.forEach((value, index) => show(watch, `a-${index}`, value, { trainedOn }));
    expect((await watch.readings()).scores).toHaveLength(1);
  });

  it('of an erased customer', async () => {
    const watch = watchOf();
    values(600).forEach((value, index) => show(watch, `a-${index}`, value));
    watch.forget('a-3' as CustomerId);
    expect((await watch.readings()).customers).toBe(599);
  });

  it('when it is switched off', async () => {
    const watch = watchOf({ customers: 0 });
    expect(watch.follows('anybody' as CustomerId)).toBe(false);
    expect(await watch.readings()).toEqual({ customers: 0, features: [], scores: [] });
  });
});
