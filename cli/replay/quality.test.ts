import { DAY_MS, HOUR_MS } from '../../schemas';
import { QualityReporter, windowOfDays, type QualityKind } from './quality';
import { ROW_FLAGS, type SortedRow } from './row';

const T0 = Date.UTC(2020, 0, 1);
let line = 0;
const row = (over: Partial<SortedRow>): SortedRow => {
  const recordAt = over.recordAt ?? T0;
  line++;
  return {
    order: recordAt,
    recordAt,
    eventAt: recordAt,
    file: 0,
    line,
    topic: 'web-events',
    flags: ROW_FLAGS.activity,
    idHigh: 1,
    idLow: line,
    key: 'c1',
    value: new Uint8Array(),
    ...over,
  };
};

function counts(
  rows: SortedRow[],
  signUps: Record<number, number> = {},
  shuffled = false,
): Partial<Record<QualityKind, number>> {
  const reporter = new QualityReporter(['f.csv'], shuffled);
  for (const r of rows) reporter.learn(r, signUps[r.line] ?? null);
  for (const r of rows) reporter.see(r);
  const { findings } = reporter.report();
  return Object.fromEntries(
    Object.entries(findings)
      .filter(([, f]) => f.count > 0)
      .map(([kind, f]) => [kind, f.count]),
  );
}

const profile = (over: Partial<SortedRow> = {}) =>
  row({ topic: 'customers', flags: ROW_FLAGS.profile, ...over });

describe('data quality', () => {
  beforeEach(() => {
    line = 0;
  });

  it('counts missing ids and negative amounts', () => {
    const rows = [
      profile(),
      row({ flags: ROW_FLAGS.activity | ROW_FLAGS.missingId }),
      row({ flags: ROW_FLAGS.activity | ROW_FLAGS.order | ROW_FLAGS.negativeAmount }),
    ];
    expect(counts(rows)).toEqual({ missingIds: 1, negativeAmounts: 1 });
  });

  it('a duplicate is the same id of the same topic at most 48 hours apart', () => {
    const again = (recordAt: number, over: Partial<SortedRow> = {}) => row({ idLow: 99, recordAt, ...over });
    expect(counts([profile(), again(T0), again(T0 + 48 * HOUR_MS)])).toEqual({ duplicates: 1 });
    expect(counts([profile(), again(T0), again(T0 + 48 * HOUR_MS + 1)])).toEqual({});
    expect(counts([profile(), again(T0), again(T0, { topic: 'orders' })])).toEqual({});
    // Between the copies the reporter forgets twice.
    expect(
      counts([
        profile(),
        row({ recordAt: T0 }),
        again(T0 + 47 * HOUR_MS),
        row({ recordAt: T0 + 49 * HOUR_MS }),
        again(T0 + 95 * HOUR_MS),
      ]),
    ).toEqual({ duplicates: 1 });
    expect(
      counts(
        [profile(), again(T0), row({ recordAt: T0 + 10 * DAY_MS, idLow: 5 }), again(T0 + HOUR_MS)],
        {},
        true,
      ),
    ).toEqual({ duplicates: 1 });
  });

  it('a profile counts wherever in the files it stands', () => {
    expect(counts([row({}), row({ flags: ROW_FLAGS.activity | ROW_FLAGS.order })])).toEqual({
      eventsWithoutProfile: 1,
      ordersWithoutProfile: 1,
    });
    expect(counts([row({}), profile()])).toEqual({});
    expect(counts([row({ key: 'c2' }), profile()])).toEqual({ eventsWithoutProfile: 1 });
  });

  it('activity before the sign-up, from the earliest that any profile says', () => {
    const rows = [row({ eventAt: T0 - 1 }), row({ eventAt: T0 }), profile(), profile()];
    expect(counts(rows, { 3: T0 + DAY_MS, 4: T0 })).toEqual({ activityBeforeSignUp: 1 });
  });

  it('keeps the first five examples, in words', () => {
    const reporter = new QualityReporter(['f.csv'], false);
    const rows = Array.from({ length: 7 }, () => row({}));
    for (const r of rows) reporter.learn(r, null);
    for (const r of rows) reporter.see(r);
    const finding = reporter.report().findings.eventsWithoutProfile;
    expect(finding.count).toBe(7);
    expect(finding.examples.map(example => example.line)).toEqual([1, 2, 3, 4, 5]);
    expect(finding.examples[0]).toEqual({
      file: 'f.csv',
      line: 1,
      customerId: 'c1',
      what: 'the customer has no profile',
    });
  });

  it('an instant outside the days that the file is about', () => {
    const body = Array.from({ length: 300 }, (_, i) => row({ recordAt: T0 + i * HOUR_MS }));
    expect(counts([profile(), ...body])).toEqual({});
    expect(counts([profile(), ...body, row({ eventAt: 0 }), row({ eventAt: Date.UTC(2037, 0, 1) })])).toEqual(
      { outsideWindow: 2 },
    );
    expect(counts([profile(), row({ flags: ROW_FLAGS.activity | ROW_FLAGS.clockAhead })])).toEqual({
      outsideWindow: 1,
    });
  });

  it('the window of nine days with strays is those days, widened by their width', () => {
    const days = new Map([
      [0, 1],
      [18_000, 500],
      [18_004, 500],
      [18_008, 500],
      [24_000, 1],
    ]);
    expect(windowOfDays(days)).toEqual({ from: (18_000 - 8) * DAY_MS, until: (18_008 + 9) * DAY_MS });
    expect(windowOfDays(new Map())).toBeNull();
    expect(windowOfDays(new Map([[100, 1]]))).toEqual({ from: 99 * DAY_MS, until: 102 * DAY_MS });
  });
});
