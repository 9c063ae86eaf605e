import { DAY_MS } from '../../../schemas';
import { DEFAULT_WORLD, WorldPosterior, latentOf, occasionsOf, worldTruth } from '.';
import type { Expectations, Latent, SeenHistory } from '.';
import { PRIOR } from './latent';
import { keptShare } from './truth';
import { expectedValueMinor } from './spend';

const DAYS = 200;
const SETTINGS = { ...DEFAULT_WORLD, seed: 11, customers: 260, days: 360 };
const AT = SETTINGS.startAt + DAYS * DAY_MS;
const posterior = new WorldPosterior(SETTINGS);
const nothing: SeenHistory = { sessionsAt: [], orders: [] };
/** Midday of a quiet hour: whatever the hour, T at midnight leaves today whole. */
const newcomer = { signedUpAt: AT - 1, favouriteHour: 12, isAnonymous: false };

const regular = (every: number, until: number): SeenHistory => ({
  sessionsAt: Array.from(
    { length: Math.floor(until / every) },
    (_, index) => SETTINGS.startAt + (index * every + 0.5) * DAY_MS,
  ),
  orders: [],
});

test('without a history the answer is the prior, integrated by hand', () => {
  const { engagement, revenueMinor } = posterior.expect(newcomer, nothing, AT);
  const [shape, scale] = PRIOR.sessionsPerDay;
  const [orderShape, orderScale] = PRIOR.ordersPerDay;
  const random = { sum: 0, orders: 0 };
  // The season of July to December lies between these; the decline takes at most its mean over the horizon.
  for (let day = 0; day < 180; day++) random.orders += PRIOR.buyers * orderShape * orderScale;
  for (let day = 0; day < 30; day++) random.sum += 1 - Math.pow(1 + scale, -shape);
  expect(engagement).toBeGreaterThan(0.7 * (random.sum / 30));
  expect(engagement).toBeLessThan(1.15 * (random.sum / 30));
  const mean = PRIOR.leastOrderMinor + PRIOR.orderMinorAbove[0] * PRIOR.orderMinorAbove[1];
  expect(expectedValueMinor([])).toBeCloseTo(mean, -1);
  const most = keptShare(SETTINGS) * mean * random.orders;
  expect(revenueMinor).toBeGreaterThan(0.6 * most);
  expect(revenueMinor).toBeLessThan(1.2 * most);
});

test('an old customer of known rate: many visits leave only that rate, and silence says how likely the end is', () => {
  const old = { signedUpAt: SETTINGS.startAt - 400 * DAY_MS, favouriteHour: 12, isAnonymous: true };
  const daily = posterior.expect(old, regular(1, DAYS), AT);
  // A visit a day in a year whose exposure is about one a day, and 30 days in which one in ten declines.
  expect(daily.engagement).toBeGreaterThan(0.53);
  expect(daily.engagement).toBeLessThan(1 - Math.exp(-1) + 0.06);
  expect(daily.churn).toBeLessThan(0.01);
  expect(daily.revenueMinor).toBe(0);
  const stopped = [1, 3, 10, 40].map(silent => posterior.expect(old, regular(1, DAYS - silent), AT).churn);
  expect(stopped).toEqual([...stopped].sort((a, b) => a - b));
  expect(stopped[3]).toBeGreaterThan(0.99);
});

test('a buyer of one order is a buyer; many equal orders leave their value', () => {
  const orders = [{ at: AT - 20 * DAY_MS, revenueMinor: 9_000 }];
  const known = { ...newcomer, signedUpAt: AT - 60 * DAY_MS };
  const [none, one] = [nothing, { sessionsAt: [], orders }].map(seen => posterior.expect(known, seen, AT));
  expect(one!.revenueMinor).toBeGreaterThan(2 * none!.revenueMinor);
  expect(expectedValueMinor(Array<number>(200).fill(9_000))).toBeCloseTo(9_000, -3);
});

/** What happened to everybody, and what the posterior said: the world is the judge. */
function ask(
  index: number,
): { latent: Latent; said: Expectations; active: number[]; revenue: number } | null {
  const latent = latentOf(SETTINGS, index);
  if (latent.signedUpAt > AT - 30 * DAY_MS) return null;
  const seen = { sessionsAt: [] as number[], orders: [] as { at: number; revenueMinor: number }[] };
  const active: number[] = [];
  let revenue = 0;
  for (let day = 0; day < DAYS + 180; day++) {
    const made = occasionsOf(latent, SETTINGS.startAt + day * DAY_MS, SETTINGS);
    if (day < DAYS) {
      seen.sessionsAt.push(...made.sessionsAt);
      seen.orders.push(...made.orders);
    } else {
      if (day < DAYS + 30) active.push(Math.min(1, made.sessionsAt.length + made.orders.length));
      revenue += made.orders.reduce((sum, order) => sum + order.revenueMinor, 0);
    }
  }
  return { latent, said: posterior.expect(latent, seen, AT), active, revenue };
}

test('over a world: calibrated in every part, and better than anything but the latent state', () => {
  const asked = Array.from({ length: SETTINGS.customers }, (_, index) => ask(index)).filter(
    one => one !== null,
  );
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const share = (active: number[]): number => mean(active);
  const byChurn = [...asked].sort((a, b) => a.said.churn - b.said.churn);
  const part = Math.ceil(byChurn.length / 3);
  for (let from = 0; from < byChurn.length; from += part) {
    const some = byChurn.slice(from, from + part);
    const gap = mean(some.map(({ said, active }) => said.churn - Number(share(active) === 0)));
    expect(Math.abs(gap)).toBeLessThan(0.12);
    const off = mean(some.map(({ said, active }) => said.engagement - share(active)));
    expect(Math.abs(off)).toBeLessThan(0.05);
  }
  const revenue = mean(asked.map(one => keptShare(SETTINGS) * one.revenue));
  expect(Math.abs(mean(asked.map(one => one.said.revenueMinor)) / revenue - 1)).toBeLessThan(0.25);
  const loss = (chance: number, gone: number): number => -Math.log(gone === 1 ? chance : 1 - chance);
  const sure = (chance: number): number => Math.min(1 - 1e-6, Math.max(1e-6, chance));
  const [best, latent, base] = [
    mean(asked.map(({ said, active }) => loss(sure(said.churn), Number(share(active) === 0)))),
    mean(
      asked.map(({ latent: one, active }) =>
        loss(sure(worldTruth(SETTINGS, one.index).churnProbability(AT)), Number(share(active) === 0)),
      ),
    ),
    mean(asked.map(({ active }) => loss(0.4, Number(share(active) === 0)))),
  ];
  expect(best).toBeLessThan(0.75 * base);
  expect(latent).toBeLessThan(best + 0.02);
});
