import * as fc from 'fast-check';
import { Random } from '../../processors/sim/random';
import { Bins } from './bins';
import { psiOf, psiOfShares } from './psi';

const STEPS = 20;

/** As numpy's default: linear between order statistics; 7 digits, as the trainer writes them. */
function quantilesOf(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return Array.from({ length: STEPS + 1 }, (_, step) => {
    const place = (step / STEPS) * (sorted.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return Number((sorted[below]! + (sorted[above]! - sorted[below]!) * (place - below)).toPrecision(7));
  });
}

function trainedOn(values: readonly number[]): Bins {
  const known = values.filter(value => !Number.isNaN(value));
  return new Bins({
    undefinedShare: 1 - known.length / values.length,
    values: known.length > 0 ? quantilesOf(known) : [],
  });
}

const psi = (trained: readonly number[], seen: readonly number[]): number => {
  const bins = trainedOn(trained);
  return psiOf(bins, bins.count(seen));
};

/** Values of one kind, and a second draw of the same kind. */
const many = (seed: number, draw: (random: () => number) => number, count = 20_000): number[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => Math.fround(draw(() => random.next())));
};

const KINDS: Record<string, (random: () => number) => number> = {
  'continuous values': random => random() * 300,
  'counts, mostly zero': random => (random() < 0.83 ? 0 : Math.floor(random() ** 3 * 12)),
  'money, zero for most': random => (random() < 0.62 ? 0 : 5 + 400 * random() ** 4),
  'a switch': random => Number(random() < 0.13),
  'shares with both ends heavy': random => Math.min(1, Math.max(0, random() * 3 - 1)),
  'half undefined': random => (random() < 0.5 ? NaN : random()),
  'a rare atom just above a quantile': random => (random() < 0.8499 ? 0 : 1 + random()),
  'whole days': random => Math.floor(random() * 200),
};

const shares = fc
  .array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 })
  .filter(weights => weights.some(weight => weight > 1e-6))
  .map(weights => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map(weight => weight / total);
  });

describe('PSI of shares', () => {
  it('is zero for equal shares', () =>
    fc.assert(fc.property(shares, one => expect(psiOfShares(one, one)).toBe(0))));

  it('is symmetric and never negative', () =>
    fc.assert(
      fc.property(shares, shares, (one, other) => {
        expect(psiOfShares(one, other)).toBeCloseTo(psiOfShares(other, one), 12);
        expect(psiOfShares(one, other)).toBeGreaterThanOrEqual(0);
      }),
    ));

  it('is the sum of the definition, by hand', () => {
    // Smoothing of 0.001 in two bins: 0.501 / 1.002 and so on.
    const [a, b] = [0.251 / 1.002, 0.501 / 1.002];
    expect(psiOfShares([0.25, 0.75], [0.5, 0.5])).toBeCloseTo(
      (a - b) * Math.log(a / b) + (1 - a - (1 - b)) * Math.log((1 - a) / (1 - b)),
      12,
    );
  });

  it('is finite when a bin is empty', () => expect(psiOfShares([1, 0], [0, 1])).toBeLessThan(20));
});

describe('PSI against the quantiles of a manifest', () => {
  it.each(Object.entries(KINDS))('is near zero for the same distribution: %s', (_, draw) => {
    expect(psi(many(1, draw), many(2, draw))).toBeLessThan(0.01);
  });

  it.each(Object.entries(KINDS))('grows with the shift: %s', (_, draw) => {
    const trained = many(1, draw);
    const shifted = (share: number): number[] => {
      const random = new Random(3);
      return many(2, draw).map(value => (random.next() < share ? 1_000 : value));
    };
    const [little, more, most] = [0.1, 0.3, 0.6].map(share => psi(trained, shifted(share)));
    expect(little).toBeGreaterThan(0.01);
    expect(more).toBeGreaterThan(little!);
    expect(most).toBeGreaterThan(Math.max(more!, 0.25));
  });

  it('sees that values became undefined, and that undefined ones became known', () => {
    const known = many(1, random => random());
    const half = many(2, KINDS['half undefined']!);
    expect(psi(known, half)).toBeGreaterThan(0.25);
    expect(psi(half, known)).toBeGreaterThan(0.25);
  });

  it('of a constant feature: zero while it stays, large when it changes to either side', () => {
    const constant = many(1, () => 0.1);
    expect(psi(constant, constant)).toBe(0);
    expect(
      psi(
        constant,
        many(1, () => 0.2),
      ),
    ).toBeGreaterThan(1);
    expect(
      psi(
        constant,
        many(1, () => 0.05),
      ),
    ).toBeGreaterThan(1);
  });

  it('of a feature that was never known: zero while it stays so, large when it comes', () => {
    const never = many(1, () => NaN);
    expect(psi(never, never)).toBe(0);
    expect(
      psi(
        never,
        many(1, random => random()),
      ),
    ).toBeGreaterThan(1);
  });

  it('finds a value that float32 and 7 digits write differently', () => {
    // 0.1 as float32 is 0.10000000149.
    const trained = many(1, random => (random() < 0.5 ? 0.1 : 0.3));
    const bins = trainedOn(trained);
    expect(Array.from(bins.count([Math.fround(0.1), Math.fround(0.3)])).filter(count => count > 0)).toEqual([
      1, 1,
    ]);
  });

  it('says nothing without values', () => {
    const bins = trainedOn([1, 2, 3]);
    expect(psiOf(bins, bins.count([]))).toBeNaN();
  });
});
