import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_RULES, FEATURE_NAMES } from '../../processors/core';
import type { EventLog } from '../../processors/ports';
import type { OpenArchive } from '../../streams/archive';
import { createAvroCodec } from '../../streams/avro/codec';
import type { CustomerId } from '../../schemas';
import { DAY_MS } from '../../schemas';
import { HistoryFold } from '../dataset';
import type { HistoryRecord, Snapshots } from '../dataset';
import { isValidationCustomer } from '../dataset/plan';
import { END, RANGE, START, inOrder, smallHistory, visit } from '../testing/small-history';
import { streamArchive } from '../testing/stream-archive';
import { joinItems, makeDataset } from './join';
import { makePlan } from './plan';
import type { Plan } from './plan';
import { readLatest } from './latest';
import { itemDone, itemFiles } from './item';
import { replayItem } from './replay';
import type { ReplayOptions } from './replay';
import { RunFolder } from './run-folder';

const codec = createAvroCodec();
const folders: string[] = [];
const newRun = (): RunFolder => {
  const folder = mkdtempSync(join(tmpdir(), 'rescore-run-'));
  folders.push(folder);
  return new RunFolder(folder);
};
afterAll(() => folders.forEach(folder => rmSync(folder, { recursive: true })));

/** Anonymous visitors come and go: they are forgotten in between, and come back as somebody new. */
const anonymous = (id: string, days: readonly number[]): HistoryRecord[] =>
  days.map(day => {
    const record = visit(id, START + day * DAY_MS);
    return { ...record, value: { ...record.value, userId: null, anonymousId: id } } as HistoryRecord;
  });

const records = inOrder([
  ...smallHistory(40),
  ...anonymous('x', [3, 4, 50, 160, 161, 300]),
  ...anonymous('y', [10, 150, 151]),
]).filter(({ recordAt }) => recordAt <= END);

let archive: OpenArchive;
let plan: Plan;
beforeAll(async () => {
  archive = await streamArchive(records, 3, END);
  const { startAt, endAt } = RANGE;
  plan = makePlan({ ...request, archive, startAt, endAt });
});

const request = { location: 'memory', words: 'test', kind: null, rules: DEFAULT_RULES };

const options = (run: RunFolder, item: number, log: EventLog = archive.log()): ReplayOptions => ({
  run,
  item: plan.items[item]!,
  kind: plan.source.kind,
  range: plan.range,
  conditions: plan.conditions,
  log,
  codec,
  ...{ rules: DEFAULT_RULES, foldedBy: 'test' },
  signal: new AbortController().signal,
  recordsPerCheckpoint: 200,
});

async function replayAll(run: RunFolder, order: readonly number[] = [0, 1, 2]): Promise<void> {
  for (const item of order) await replayItem(options(run, item));
}

const bytesOf = (run: RunFolder, only?: number): Record<string, string> =>
  Object.fromEntries(
    (only === undefined ? plan.items : [plan.items[only]!]).flatMap(item =>
      Object.entries(itemFiles(run, item)).flatMap(([what, file]) =>
        what === 'lock' ? [] : [[`${item.id} ${what}`, readFileSync(file).toString('base64')]],
      ),
    ),
  );

const rowsOf = (snapshots: Snapshots): Map<string, string> =>
  new Map(
    snapshots.rows.map((row, index) => [
      `${row.customerId} ${row.at}`,
      JSON.stringify([row.firstSeenAt, row.groups, row.activeSpans, row.revenueMinor, row.erased]) +
        Buffer.from(snapshots.vector(index).slice().buffer).toString('hex'),
    ]),
  );

test('a plan is a function of the archive', () => {
  const { startAt, endAt } = RANGE;
  const again = makePlan({ ...request, archive, location: 'elsewhere', startAt, endAt });
  expect(again.id).toBe(plan.id);
  const euros = makePlan({
    ...request,
    archive,
    startAt,
    endAt,
    rules: { ...DEFAULT_RULES, currency: 'EUR' },
  });
  expect(euros.id).not.toBe(plan.id);
  expect(plan.source.kind).toBe('stream');
  expect(plan.items.map(({ id }) => id)).toEqual(['p00000', 'p00001', 'p00002']);
  expect(plan.items.reduce((sum, item) => sum + item.records, 0)).toBeGreaterThan(records.length);
});

test('partitions on their own, with the mail and ticks of the archive, give the vectors of one raw history', async () => {
  const run = newRun();
  await replayAll(run);
  const direct = new HistoryFold(RANGE);
  for (const record of records) direct.take(record);
  const expected = rowsOf(direct.finish());
  const { snapshots, items } = joinItems(run, plan);
  expect(expected.size).toBeGreaterThan(300);
  expect(items.reduce((sum, { counts }) => sum + counts.received, 0)).toBeGreaterThan(50);
  expect(rowsOf(snapshots)).toEqual(expected);
});

test('customers at the end are all who train nothing, silent or busy, as one raw history has them', async () => {
  const run = newRun();
  expect(readLatest(run, plan)).toBeNull();
  await replayAll(run);
  const direct = new HistoryFold(RANGE);
  for (const record of records) direct.take(record);
  direct.finish();
  const latest = direct.latest();
  const named = records.flatMap(({ value }) =>
    'userId' in value && value.userId !== null ? [value.userId] : [],
  );
  const ids = latest.rows.map(({ customerId }) => customerId);
  const known = [...new Set(named)].filter(id => isValidationCustomer(id as CustomerId));
  expect([...ids].sort()).toEqual(known.sort());
  const hex = (vectors: readonly Float32Array[]): string[] =>
    vectors.map(vector => Buffer.from(vector.slice().buffer).toString('hex')).sort();
  const { at, vectors } = readLatest(run, plan)!;
  expect(at).toBe(RANGE.endAt);
  expect(hex(vectors)).toEqual(hex(ids.map((_, index) => latest.vector(index))));
  // Nobody who fell silent long ago is in the last snapshots that have labels.
  const idle = vectors.map(vector => vector[FEATURE_NAMES.indexOf('last_login_days_ago')]!);
  expect(Math.max(...idle)).toBeGreaterThan(60);
  expect(Math.min(...idle)).toBeLessThan(15);
});

test('customers at the end that were changed afterwards are damage', async () => {
  const run = newRun();
  await replayAll(run);
  const { latest } = itemFiles(run, plan.items[1]!);
  const bytes = readFileSync(latest);
  bytes[bytes.length - 20]! ^= 1;
  writeFileSync(latest, bytes);
  expect(() => readLatest(run, plan)).toThrow(/p00001\.latest was changed after its item was done/);
});

test('killed anywhere and begun again it leaves the same bytes', async () => {
  const whole = newRun();
  await replayAll(whole);
  const expected = bytesOf(whole);
  for (const crashAfter of [1, 2, 3, 5, 8]) {
    const run = newRun();
    for (const item of [0, 1, 2]) await replayWithCrashes(run, item, crashAfter);
    expect(bytesOf(run)).toEqual(expected);
  }
});

/** Dies after so many reads or checkpoints, each time; vectors of an unfinished write stay behind. */
async function replayWithCrashes(run: RunFolder, item: number, crashAfter: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    let left = crashAfter * attempt;
    const step = (): void => {
      if (left-- <= 0) throw new Error('crash');
    };
    const log = archive.log();
    const read = log.read.bind(log);
    log.read = (...parameters) => {
      step();
      return read(...parameters);
    };
    try {
      await replayItem({ ...options(run, item, log), onCheckpoint: step });
      return;
    } catch (error) {
      expect((error as Error).message).toBe('crash');
      const { vectors, checkpoint } = itemFiles(run, plan.items[item]!);
      appendFileSync(vectors, 'torn');
      writeFileSync(`${checkpoint}.partial`, 'torn');
    }
  }
}

test('a checkpoint of another plan is not taken up', async () => {
  const run = newRun();
  await replayItem(options(run, 0));
  const expected = readFileSync(itemFiles(run, plan.items[0]!).rows);
  const shorter = { ...plan.range, endAt: END - 20 * DAY_MS };
  const cut = await replayItem({ ...options(run, 0), range: shorter });
  const again = await replayItem(options(run, 0));
  expect(cut.rows).toBeLessThan(again.rows);
  expect(readFileSync(itemFiles(run, plan.items[0]!).rows)).toEqual(expected);
});

test('what was folded with other rules or features is not taken for done, and folded anew', async () => {
  const run = newRun();
  const done = await replayItem(options(run, 0));
  const other = { ...options(run, 0), conditions: 'other' };
  expect(itemDone(options(run, 0))).toEqual(done);
  expect(itemDone(other)).toBeNull();
  let read = 0;
  const log = archive.log();
  const original = log.read.bind(log);
  log.read = (...parameters) => {
    read++;
    return original(...parameters);
  };
  await replayItem({ ...other, log });
  expect(read).toBeGreaterThan(5);
});

test('a run folder of a release with other features is refused', () => {
  const run = newRun();
  writeFileSync(run.at('plan.json'), JSON.stringify({ ...plan, layout: 'of last year' }));
  expect(() => run.plan()).toThrow('was planned by a release with other features');
  writeFileSync(run.at('plan.json'), JSON.stringify(plan));
  expect(run.plan()).toEqual(plan);
});

test('vectors that were lost or cut are folded again, not read as zeros', async () => {
  const whole = newRun();
  await replayItem(options(whole, 0));
  const bytes = readFileSync(itemFiles(whole, plan.items[0]!).vectors);
  for (const damage of [rmSync, (file: string) => truncateSync(file, 400)]) {
    const run = newRun();
    let checkpoints = 0;
    const onCheckpoint = (): void => {
      if (++checkpoints === 2) throw new Error('crash');
    };
    await expect(replayItem({ ...options(run, 0), onCheckpoint })).rejects.toThrow('crash');
    const { vectors, checkpoint } = itemFiles(run, plan.items[0]!);
    expect(statSync(vectors).size).toBeGreaterThan(400);
    damage(vectors);
    expect(existsSync(checkpoint)).toBe(true);
    await replayItem(options(run, 0));
    expect(readFileSync(vectors).equals(bytes)).toBe(true);
    expect(bytesOf(run, 0)).toEqual(bytesOf(whole, 0));
  }
});

test('a damaged checkpoint is an error that names the file', async () => {
  const run = newRun();
  await replayItem(options(run, 0));
  const { checkpoint } = itemFiles(run, plan.items[0]!);
  const bytes = readFileSync(checkpoint);
  const damaged = [
    bytes.subarray(0, 5),
    bytes.subarray(0, 10),
    bytes.subarray(0, bytes.length / 2),
    Buffer.from(bytes).fill(0x7b, 12, 40),
    Buffer.concat([bytes.subarray(0, bytes.length - 3_000), Buffer.alloc(3_000, 0xff)]),
  ];
  for (const content of damaged) {
    writeFileSync(checkpoint, content);
    await expect(replayItem(options(run, 0))).rejects.toMatchObject({
      code: 'run-damaged',
      message: expect.stringContaining(checkpoint) as string,
    });
  }
});

test('the dataset does not know in which order items were replayed, and needs all of them', async () => {
  const [one, other] = [newRun(), newRun()];
  await replayAll(one, [0, 1]);
  await expect(makeDataset(one, plan)).rejects.toThrow('1 of 3 item(s) are not replayed: p00002');
  expect(existsSync(one.at('dataset.parquet'))).toBe(false);
  await replayAll(one, [2]);
  await replayAll(other, [2, 0, 1]);
  const notes = [await makeDataset(one, plan), await makeDataset(other, plan)];
  expect(notes[1]).toEqual(notes[0]);
  expect(readFileSync(other.at('dataset.parquet'))).toEqual(readFileSync(one.at('dataset.parquet')));
  expect(notes[0]!.sides['churn']!.training.rows).toBeGreaterThan(20);
});

test('what was changed after an item was done is found', async () => {
  const run = newRun();
  await replayAll(run);
  const { rows } = itemFiles(run, plan.items[1]!);
  const bytes = readFileSync(rows);
  bytes[bytes.length - 9]! ^= 1;
  writeFileSync(rows, bytes);
  expect(() => joinItems(run, plan)).toThrow('p00001.rows was changed');
});
