import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FEATURE_NAMES, hash64, hashHex } from '../../processors/core';
import { LAYOUT_FINGERPRINT } from '../../models/layout';
import { END, RANGE, START, smallHistory } from '../testing/small-history';
import { HistoryFold } from './history';
import { LeakError } from './leaks';
import { writeParquet } from './parquet';
import type { ParquetSummary } from './parquet';
import { LABEL_PLANS } from './plan';
import { labelOf } from './select';
import type { Snapshots } from './snapshots';

const snapshotsOf = (customers: number): Snapshots => {
  const history = new HistoryFold(RANGE);
  for (const record of smallHistory(customers)) history.take(record);
  return history.finish();
};

type Row = Record<string, unknown> & { customer: string; snapshot: Date };

async function read(file: string): Promise<{ rows: Row[]; metadata: Map<string, string> }> {
  const { parquetMetadata, parquetReadObjects } = await import('hyparquet');
  const buffer = new Uint8Array(readFileSync(file)).buffer;
  const { key_value_metadata: pairs = [] } = parquetMetadata(buffer);
  return {
    rows: (await parquetReadObjects({ file: buffer })) as Row[],
    metadata: new Map(pairs.map(({ key, value }) => [key, value ?? ''])),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'rescore-parquet-'));
const file = join(folder, 'dataset.parquet');
const snapshots = snapshotsOf(60);
const truth = (_id: string, at: number): number => at / 2 ** 40;
let summary: ParquetSummary;
let rows: Row[];
let metadata: Map<string, string>;
beforeAll(async () => {
  summary = await writeParquet(file, snapshots, RANGE, truth);
  ({ rows, metadata } = await read(file));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('holds every vector and label as the fold has them, at its instant', () => {
  const found = new Map(rows.map(row => [`${row.customer} ${row.snapshot.getTime()}`, row]));
  expect([found.size, rows.length]).toEqual([summary.rows, summary.rows]);
  let compared = 0;
  snapshots.rows.forEach((source, index) => {
    const row = found.get(`${hashHex(hash64(source.customerId))} ${source.at}`);
    if (row === undefined) return;
    compared++;
    expect(row['arrival_cut']).toEqual(row.snapshot);
    expect(FEATURE_NAMES.map(name => row[name])).toEqual([...snapshots.vector(index)]);
    expect(row['group_gender']).toBe(source.groups.gender);
    for (const plan of LABEL_PLANS) {
      const used = row[`split_${plan.name}`] !== null;
      expect(row[`label_${plan.name}`]).toBe(used ? labelOf(plan, source) : null);
      expect(row[`truth_${plan.name}`]).toBe(used ? truth('', source.at) : null);
    }
  });
  expect(compared).toBe(summary.rows);
  expect(summary.rows).toBeGreaterThan(300);
});

test.each(LABEL_PLANS)('$name: split by customer and time, mature labels, a weight of 1 a customer', plan => {
  const used = rows.filter(row => row[`split_${plan.name}`] !== null);
  const on = (side: string): Row[] => used.filter(row => row[`split_${plan.name}`] === side);
  const customers = (side: string): Set<string> => new Set(on(side).map(({ customer }) => customer));
  const instants = (side: string): number[] => on(side).map(({ snapshot }) => snapshot.getTime());
  expect([...customers('training')].filter(one => customers('validation').has(one))).toEqual([]);
  expect(Math.max(...instants('training'))).toBeLessThan(Math.min(...instants('validation')));
  expect(Math.min(...instants('training'))).toBeGreaterThanOrEqual(START + plan.tenureMs);
  expect(Math.max(...instants('validation'))).toBeLessThanOrEqual(END - plan.horizonMs);
  const weights = new Map<string, number>();
  for (const row of used)
    weights.set(row.customer, (weights.get(row.customer) ?? 0) + (row[`weight_${plan.name}`] as number));
  expect(weights.size).toBeGreaterThan(10);
  for (const weight of weights.values()) expect(weight).toBeCloseTo(1, 9);
});

test('says what it was made from', () => {
  expect(metadata.get('rescore.layout')).toBe(LAYOUT_FINGERPRINT);
  expect(JSON.parse(metadata.get('rescore.range')!)).toEqual({
    start: new Date(START).toISOString(),
    end: new Date(END).toISOString(),
  });
  expect(JSON.parse(metadata.get('rescore.labels')!)).toHaveLength(LABEL_PLANS.length);
});

test('no row holds the id of a customer', () => {
  const ids = new Set<unknown>(snapshots.rows.map(({ customerId }) => customerId));
  expect(rows.filter(row => Object.values(row).some(value => ids.has(value)))).toEqual([]);
});

test('the same history gives the same bytes, in whatever order the customers are held', async () => {
  const again = join(folder, 'again.parquet');
  await writeParquet(again, snapshotsOf(60), RANGE, truth);
  expect(readFileSync(again).equals(readFileSync(file))).toBe(true);
  const last = snapshots.rows.length - 1;
  const reversed = {
    rows: snapshots.rows.toReversed(),
    vector: (row: number) => snapshots.vector(last - row),
  } as unknown as Snapshots;
  await writeParquet(again, reversed, RANGE, truth);
  expect(readFileSync(again).equals(readFileSync(file))).toBe(true);
  rmSync(again);
});

test('a leak stops the run: it names model and feature, and nothing is written', async () => {
  const leaking = snapshotsOf(60);
  const column = FEATURE_NAMES.indexOf('page_views_last_30_days');
  const [, churn] = LABEL_PLANS;
  leaking.rows.forEach((row, index) => {
    leaking.vector(index)[column] = labelOf(churn!, row);
  });
  const error: unknown = await writeParquet(join(folder, 'leak.parquet'), leaking, RANGE).catch(
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LeakError);
  expect(error).toMatchObject({ model: 'churn', features: ['page_views_last_30_days'] });
  expect(readdirSync(folder)).toEqual(['dataset.parquet']);
});

test('nothing to look at gives a file without rows', async () => {
  const empty = join(folder, 'empty.parquet');
  const found = await writeParquet(empty, new HistoryFold(RANGE).finish(), RANGE);
  expect(found).toMatchObject({ rows: 0, columns: summary.columns - LABEL_PLANS.length });
  expect((await read(empty)).rows).toEqual([]);
  rmSync(empty);
});

const python = join(__dirname, '..', 'trainer', '.venv', 'bin', 'python');
const readable = existsSync(python) && spawnSync(python, ['-c', 'import pyarrow, duckdb']).status === 0;
if (!readable)
  process.stderr.write('SKIPPED: pyarrow and DuckDB read the dataset. `make trainer` installs them.\n');

(readable ? test : test.skip)('pyarrow and DuckDB read the same', () => {
  const code = `
import sys, json, duckdb, pyarrow.parquet as pq
table = pq.read_table(sys.argv[1])
row = duckdb.sql(f"select count(*), count(distinct customer), count(label_churn), epoch_ms(min(snapshot)) from '{sys.argv[1]}'").fetchall()[0]
types = {name: str(table.schema.field(name).type) for name in ['customer', 'snapshot', 'label_ltv', table.column_names[-1]]}
print(json.dumps([table.num_rows, table.num_columns, *row, types]))`;
  const run = spawnSync(python, ['-c', code, file], { encoding: 'utf8' });
  expect([run.status, run.stderr]).toEqual([0, '']);
  expect(JSON.parse(run.stdout)).toEqual([
    summary.rows,
    summary.columns,
    summary.rows,
    new Set(rows.map(({ customer }) => customer)).size,
    rows.filter(row => row['label_churn'] !== null).length,
    Math.min(...rows.map(({ snapshot }) => snapshot.getTime())),
    {
      customer: 'string',
      snapshot: 'timestamp[ms, tz=UTC]',
      label_ltv: 'double',
      [FEATURE_NAMES.at(-1)!]: 'float',
    },
  ]);
});

const hasPandas = readable && spawnSync(python, ['-c', 'import pandas']).status === 0;
if (!hasPandas) process.stderr.write('SKIPPED: pandas reads the dataset. `make trainer` installs it.\n');

(hasPandas ? test : test.skip)('pandas reads the same; null and NaN stay apart in the file', () => {
  const code = `
import sys, json, duckdb, pandas, pyarrow.parquet as pq
file, features = sys.argv[1], sys.argv[2].split(',')
frame, table = pandas.read_parquet(file), pq.read_table(file)
names = ['customer', 'snapshot', 'arrival_cut', 'split_churn', 'label_churn', 'weight_churn', features[0]]
sums = ', '.join(f'count(*) filter (where isnan("{name}")), count(*) - count("{name}")' for name in features)
counts = duckdb.sql(f"select {sums} from '{file}'").fetchall()[0]
print(json.dumps({
  'shape': frame.shape,
  'types': {name: str(frame[name].dtype) for name in names},
  'undefined': int(frame[features].isna().sum().sum()),
  'without': {name: int(frame[name].isna().sum()) for name in ['split_churn', 'label_churn', 'weight_churn']},
  'first': int(frame['snapshot'].astype('int64').min()),
  'ordered': bool(frame['snapshot'].is_monotonic_increasing),
  'sum': float(frame['label_ltv'].sum()),
  'nulls': {'labels': table['label_churn'].null_count, 'features': sum(table[name].null_count for name in features)},
  'duckdb': [sum(counts[0::2]), sum(counts[1::2])],
}))`;
  const run = spawnSync(python, ['-c', code, file, FEATURE_NAMES.join()], { encoding: 'utf8' });
  expect([run.status, run.stderr]).toEqual([0, '']);
  const unused = rows.filter(row => row['split_churn'] === null).length;
  const undefinedValues = rows.flatMap(row => FEATURE_NAMES.filter(name => Number.isNaN(row[name]))).length;
  expect(Math.min(unused, undefinedValues)).toBeGreaterThan(0);
  const said = JSON.parse(run.stdout) as { sum: number };
  expect(said.sum).toBeCloseTo(
    rows.reduce((sum, row) => sum + ((row['label_ltv'] as number | null) ?? 0), 0),
    6,
  );
  expect(said).toMatchObject({
    shape: [summary.rows, summary.columns],
    types: {
      customer: 'str',
      snapshot: 'datetime64[ms, UTC]',
      arrival_cut: 'datetime64[ms, UTC]',
      split_churn: 'str',
      label_churn: 'float64',
      weight_churn: 'float64',
      [FEATURE_NAMES[0]!]: 'float32',
    },
    undefined: undefinedValues,
    without: { split_churn: unused, label_churn: unused, weight_churn: unused },
    first: Math.min(...rows.map(({ snapshot }) => snapshot.getTime())),
    ordered: true,
    nulls: { labels: unused, features: 0 },
    duckdb: [undefinedValues, 0],
  });
});
