import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { INPUT_TOPICS } from '../../schemas';
import { ExternalSort } from './external-sort';
import { decodeRow, encodeRow, type SortedRow } from './row';

const directory = mkdtempSync(join(tmpdir(), 'rescore-sort-'));
afterAll(() => rmSync(directory, { recursive: true }));

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const instants = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: -1e12, max: 4e12 }));
const row: fc.Arbitrary<SortedRow> = fc.record({
  order: fc.oneof(instants, fc.double({ noNaN: true })),
  recordAt: instants,
  eventAt: instants,
  file: fc.integer({ min: 0, max: 3 }),
  line: fc.integer({ min: 1, max: 2 ** 40 }),
  topic: fc.constantFrom(...INPUT_TOPICS),
  flags: fc.integer({ min: 0, max: 63 }),
  idHigh: u32,
  idLow: u32,
  key: fc.string({ unit: 'grapheme', maxLength: 20 }),
  value: fc.uint8Array({ maxLength: 300 }),
});

/** The sort that is obviously right: no ties are possible once file and line are one string. */
const naive = (rows: SortedRow[]): SortedRow[] =>
  rows
    .slice()
    .sort((a, b) =>
      a.order !== b.order
        ? a.order < b.order
          ? -1
          : 1
        : a.file !== b.file
          ? a.file - b.file
          : a.line - b.line,
    );

const place = (r: SortedRow): string => `${r.file}:${r.line}`;
const rowsOf = fc.uniqueArray(row, { selector: place, maxLength: 300 });
const many = (seed: number): SortedRow[] =>
  fc.sample(fc.uniqueArray(row, { selector: place, minLength: 200, maxLength: 200, size: 'max' }), {
    seed,
    numRuns: 1,
  })[0];

describe('external sort', () => {
  it('a row survives its bytes', () => {
    fc.assert(fc.property(row, r => expect(decodeRow(encodeRow(r).subarray(4))).toEqual(r)));
  });

  it('any memory budget gives the order of a sort in memory', () => {
    fc.assert(
      fc.property(rowsOf, fc.integer({ min: 0, max: 40_000 }), (rows, budget) => {
        const sort = new ExternalSort(join(directory, 'runs'), budget);
        for (const r of rows) sort.add(r);
        expect([...sort.sorted()]).toEqual(naive(rows));
        sort.dispose();
        expect(existsSync(join(directory, 'runs'))).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('merges more runs than may be open at once', () => {
    const rows = many(7);
    const sort = new ExternalSort(join(directory, 'many'), 0);
    for (const r of rows) sort.add(r);
    expect(sort.spilled).toBeGreaterThan(130);
    expect([...sort.sorted()]).toEqual(naive(rows));
    expect(readdirSync(join(directory, 'many')).length).toBeLessThanOrEqual(64);
    sort.dispose();
  });

  it('writes nothing when the rows fit', () => {
    const sort = new ExternalSort(join(directory, 'none'), 1e9);
    for (const r of many(3)) sort.add(r);
    expect([...sort.sorted()].length).toBe(sort.count);
    expect(existsSync(join(directory, 'none'))).toBe(false);
  });

  it('says so when a run was cut', () => {
    const sort = new ExternalSort(join(directory, 'cut'), 0);
    for (const r of many(5)) sort.add(r);
    const iterator = sort.sorted();
    const [first] = readdirSync(join(directory, 'cut'));
    truncateSync(join(directory, 'cut', first), 30);
    expect(() => [...iterator]).toThrow(/ends in the middle of a row/);
    sort.dispose();
  });
});
