import { HistoryFold } from './history';
import { END, RANGE, START, draw, smallHistory } from '../testing/small-history';
import { DAY_MS } from '../../schemas';
import { areaUnderCurve, findLeaks } from './leaks';
import { modelColumns } from './columns';
import { LABEL_PLANS } from './plan';
import type { Snapshots } from './snapshots';

const rows = 1_000;
const column = (of: (row: number) => number): number[] =>
  Array.from({ length: rows }, (_row, row) => of(row));
const noise = (name: string): number[] => column(row => draw(`${name} ${row}`));
const classes = column(row => Number(draw(`class ${row}`) < 0.3));
const amounts = column(row => Math.exp(8 * draw(`amount ${row}`)));

describe('the leak detector', () => {
  test.each([
    ['equals the label', classes],
    ['is its opposite', classes.map(label => 1 - label)],
    [
      'is not known exactly for one class',
      classes.map((label, row) => (label === 1 ? NaN : draw(`x ${row}`))),
    ],
    ['orders the classes, but for a few rows', classes.map((label, row) => (row % 100 === 0 ? 0.5 : label))],
  ])('names a feature that %s', (_what, values) => {
    const honest = { name: 'honest', values: noise('honest') };
    expect(findLeaks([honest, { name: 'traitor', values }], classes)).toEqual(['traitor']);
  });

  test.each([
    ['equals an amount', amounts],
    ['grows with an amount', amounts.map(amount => Math.log(amount))],
    [
      'is an amount, known for every second row',
      amounts.map((amount, row) => (row % 2 === 0 ? amount : NaN)),
    ],
  ])('names a feature that %s', (_what, values) => {
    expect(findLeaks([{ name: 'traitor', values }], amounts)).toEqual(['traitor']);
  });

  test('is silent on a strong but honest feature, on a constant and on nothing known', () => {
    const strong = classes.map((label, row) => label + 1.5 * draw(`strong ${row}`));
    expect(areaUnderCurve(strong, classes)).toBeGreaterThan(0.9);
    const features = [
      { name: 'strong', values: strong },
      { name: 'constant', values: column(() => 1) },
      { name: 'unknown', values: column(() => NaN) },
    ];
    expect(findLeaks(features, classes)).toEqual([]);
    expect(findLeaks([{ name: 'few', values: classes.slice(0, 99) }], classes.slice(0, 99))).toEqual([]);
  });
});

test('the area under the curve, by hand', () => {
  expect(areaUnderCurve([1, 2, 3, 4], [0, 0, 1, 1])).toBe(1);
  expect(areaUnderCurve([1, 2, 2, 4], [0, 1, 0, 1])).toBe(0.875);
  expect(areaUnderCurve([5, 5, 5], [0, 1, 1])).toBe(0.5);
});

describe('snapshots of a history', () => {
  const history = new HistoryFold(RANGE);
  for (const record of smallHistory(250)) history.take(record);
  const snapshots: Snapshots = history.finish();
  const [, churn] = LABEL_PLANS;

  test.each(LABEL_PLANS)('$name has no leak', plan => {
    const { features, labels } = modelColumns(snapshots, RANGE, plan, 'training');
    expect(labels.length).toBeGreaterThan(300);
    expect(findLeaks(features, labels)).toEqual([]);
  });

  test('permuted labels: no feature says anything of them', () => {
    const { features, labels } = modelColumns(snapshots, RANGE, churn!, 'training');
    const order = labels.map((_label, row) => row).sort((a, b) => draw(`order ${a}`) - draw(`order ${b}`));
    const permuted = order.map(row => labels[row]!);
    const ones = permuted.filter(label => label === 1).length;
    expect(Math.min(ones, permuted.length - ones)).toBeGreaterThanOrEqual(400);
    for (const { name, values } of features) {
      const known = permuted.flatMap((_label, row) => (Number.isNaN(values[row]!) ? [] : [row]));
      // Fewer known values leave more to luck than the bound allows.
      if (known.length < permuted.length) continue;
      const auc = areaUnderCurve(Array.from(values), permuted);
      expect([name, Math.abs(auc - 0.5) < 0.06]).toEqual([name, true]);
    }
  });

  test('a later label as a feature is found', () => {
    const { features, labels } = modelColumns(snapshots, RANGE, churn!, 'training');
    expect(findLeaks([...features, { name: 'tomorrow', values: labels }], labels)).toEqual(['tomorrow']);
  });

  test('only mature labels: a shorter archive has none whose horizon goes beyond its end', () => {
    const shorter = { startAt: START, endAt: END - 20 * DAY_MS };
    for (const plan of LABEL_PLANS) {
      const { at } = modelColumns(snapshots, shorter, plan, 'validation');
      expect(at.length).toBeGreaterThan(20);
      expect(Math.max(...at)).toBeLessThanOrEqual(shorter.endAt - plan.horizonMs);
    }
  });
});
