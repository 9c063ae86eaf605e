import { Random } from './random';

const DRAWS = 20_000;
const drawn = (draw: () => number): number[] => Array.from({ length: DRAWS }, draw);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

test('the same seed gives the same draws, other seeds others', () => {
  const first = (seed: number | string) =>
    Array.from({ length: 4 }, (_, at) => new Random(seed).fork(`part/${at}`).next());
  expect(first(7)).toEqual(first(7));
  expect(new Set([...first(7), ...first(8), ...first('7'), ...first(2 ** 32 + 7)]).size).toBe(16);
});

test('a fork does not advance its parent, and does not depend on what the parent drew', () => {
  const [touched, untouched] = [new Random(3), new Random(3)];
  const before = touched.fork('part').next();
  expect(touched.next()).toBe(untouched.next());
  expect(touched.fork('part').next()).toBe(before);
});

test('whole numbers stay within their bounds and reach both', () => {
  const random = new Random(5);
  const values = drawn(() => random.between(-2, 3));
  expect([...new Set(values)].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2, 3]);
});

test('a shuffle keeps what it shuffles, and every order comes up about as often', () => {
  const random = new Random(9);
  const counts = new Map<string, number>();
  for (let round = 0; round < 6_000; round++) {
    const order = random.shuffle([1, 2, 3]).join('');
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual(['123', '132', '213', '231', '312', '321']);
  for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});

test.each<[string, (random: Random) => number, number, number]>([
  ['uniform', random => random.next(), 1 / 2, 1 / 12],
  ['normal', random => random.normal(), 0, 1],
  ['exponential, mean 3', random => random.exponential(3), 3, 9],
  ['poisson 2.5', random => random.poisson(2.5), 2.5, 2.5],
  ['poisson 80', random => random.poisson(80), 80, 80],
  ['gamma 0.5, 2', random => random.gamma(0.5, 2), 1, 2],
  ['gamma 4, 0.5', random => random.gamma(4, 0.5), 2, 1],
  ['beta 2, 3', random => random.beta(2, 3), 0.4, 0.04],
])('%s has its mean and variance', (_name, draw, expectedMean, expectedVariance) => {
  const random = new Random(11);
  const values = drawn(() => draw(random));
  const found = mean(values);
  const variance = mean(values.map(value => (value - found) ** 2));
  expect(Math.abs(found - expectedMean)).toBeLessThan(5 * Math.sqrt(expectedVariance / DRAWS));
  expect(Math.abs(variance / expectedVariance - 1)).toBeLessThan(0.1);
});
