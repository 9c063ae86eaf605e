/** plan, replay and dataset as a person uses them, on a good day and on bad ones. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../../../backfill/pipeline/files';
import { ArchiveImport, openStorage } from '../../../streams/archive';
import { withLock } from '../../backfill/lock';
import type { Context } from '../../context';
import { runCli } from '../../testing/captured-io';

const cwd = mkdtempSync(join(tmpdir(), 'rescore-steps-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
const at = (...names: string[]): string => join(cwd, ...names);

const step = (line: string, env: Record<string, string> = {}) =>
  runCli(['backfill', ...line.split(' ')], { cwd, env });

async function ok(line: string): Promise<string> {
  const { code, stdout, stderr } = await step(line);
  expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' });
  return stdout;
}

/** Digests of all files of a folder, by name; but for how long its steps took. */
const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(at(folder), { recursive: true, encoding: 'utf8' })
      .sort()
      .filter(name => statSync(at(folder, name)).isFile() && !name.startsWith('steps/'))
      .map(name => [name, sha256(readFileSync(at(folder, name)))]),
  );

const FILES = 'world.jsonl --format segment';
let lines: string[];
beforeAll(async () => {
  const { stdout } = await runCli(['world', '--customers', '40', '--days', '200', '--seed', '4'], { cwd });
  lines = stdout.trim().split('\n');
  writeFileSync(at('world.jsonl'), stdout);
  await ok(`plan ${FILES} --run night`);
  await ok('replay --run night');
  await ok('dataset --run night');
}, 120_000);

/** The run of `beforeAll`, to break. */
function copyOf(run: string): string {
  cpSync(at('night'), at(run), { recursive: true });
  return run;
}

test('steps that are done are not done again, and another folder gets the same bytes', async () => {
  const before = contents('night');
  expect(Object.keys(before)).toEqual(
    expect.arrayContaining(['plan.json', 'dataset.parquet', 'dataset.json']),
  );
  expect(Object.keys(before).filter(name => name.includes('.lock') || name.includes('partial'))).toEqual([]);
  await ok(`plan ${FILES} --run night`);
  expect(await ok('replay --run night')).toContain('1 done before');
  expect(await ok('dataset --run night')).toContain('done before');
  expect(contents('night')).toEqual(before);
  await ok(`plan ${FILES} --run other`);
  await ok('replay --run other --item 0');
  await ok('dataset --run other');
  expect(contents('other')).toEqual(before);
  expect(await ok('replay --run other --again')).toContain('1 item(s) replayed');
  expect(contents('other')).toEqual(before);
}, 60_000);

const records = (run: string): Record<string, string> =>
  Object.fromEntries(
    ['plan', 'replay/p00000', 'dataset'].map(name => [
      name,
      readFileSync(at(run, 'steps', `${name}.json`), 'utf8'),
    ]),
  );

test('steps leave what they took and did; of those that are done again, the record of the first time stays', async () => {
  const run = copyOf('recorded');
  const before = records(run);
  for (const text of Object.values(before))
    expect(JSON.parse(text)).toMatchObject({ seconds: expect.any(Number) as number, failed: null });
  expect(JSON.parse(before['replay/p00000']!)).toMatchObject({
    counts: { records: expect.any(Number) as number },
  });
  const { rows } = JSON.parse(readFileSync(at(run, 'dataset.json'), 'utf8')) as { rows: number };
  expect(JSON.parse(before['dataset']!)).toMatchObject({ counts: { rows } });
  await ok(`plan ${FILES} --run ${run}`);
  await ok(`replay --run ${run}`);
  await ok(`dataset --run ${run}`);
  expect(records(run)).toEqual(before);
  await ok(`dataset --run ${run} --again`);
  expect(records(run)['dataset']).not.toBe(before['dataset']);
  await ok(`report --run ${run}`);
  expect(readFileSync(at(run, 'report.html'), 'utf8')).toContain('<td>replay</td>');
  // Another history: what the steps of this one took is no figure of it.
  await ok(`plan ${FILES} --run ${run} --again --until 2026-07-01T00:00:00Z`);
  expect(readdirSync(at(run, 'steps'))).toEqual(['plan.json']);
}, 60_000);

test('a step that fails leaves its record too, and none in a folder that is no run', async () => {
  const run = copyOf('failing');
  expect((await step(`drift --run ${run} --scores none.jsonl`)).code).toBe(1);
  expect(JSON.parse(readFileSync(at(run, 'steps', 'drift.json'), 'utf8'))).toMatchObject({
    failed: 'input-missing',
    counts: {},
  });
  expect((await step('drift --run .')).code).toBe(1);
  expect(existsSync(at('steps'))).toBe(false);
});

/** What `run --dry-run` says of each step. */
const foreseen = async (line: string): Promise<string[]> =>
  (await ok(`run ${line} --dry-run`)).split('\n').filter(said => /^[a-z]+: /.test(said));

test('a whole run says what each step would do, as far as that can be foreseen', async () => {
  const unknown = (name: string, from: string) =>
    `${name}: can't be foreseen, as it takes what ${from} has yet to make.`;
  const fresh = await foreseen(`${FILES} --run dry-whole`);
  expect(existsSync(at('dry-whole'))).toBe(false);
  expect(fresh[0]).toMatch(/^plan: Plan [0-9a-f]{16}: /);
  expect(fresh.slice(1, -1)).toEqual([
    unknown('replay', 'plan'),
    unknown('dataset', 'replay'),
    unknown('train', 'dataset'),
    unknown('gate', 'train'),
    unknown('publish', 'gate'),
    unknown('consistency', 'plan'),
    unknown('drift', 'dataset'),
  ]);
  expect(fresh.at(-1)).toMatch(/^report: /);
  const before = contents('night');
  const later = await foreseen(`${FILES} --run night`);
  expect(contents('night')).toEqual(before);
  expect(later.slice(1)).toEqual([
    expect.stringMatching(/^replay: 0 item\(s\) to replay, .* 1 done before/),
    expect.stringMatching(/^dataset: .* snapshots of 1 item\(s\); done before/),
    'train: There is something to train.',
    unknown('gate', 'train'),
    unknown('publish', 'gate'),
    expect.stringMatching(/^consistency: Scores as of .* are compared/),
    expect.stringMatching(/^drift: Customers at the end of the history .*dataset\.parquet/),
    expect.stringMatching(/^report: /),
  ]);
  const again = await foreseen(`${FILES} --run night --again`);
  expect(again[1]).toMatch(/^replay: 1 item\(s\) to replay/);
  expect(again[2]).toBe(unknown('dataset', 'replay'));
}, 60_000);

test('--dry-run says what there is to do, and writes nothing', async () => {
  expect(await ok(`plan ${FILES} --run dry --dry-run`)).toContain('199 days');
  expect(existsSync(at('dry'))).toBe(false);
  const run = copyOf('dry-again');
  const before = contents(run);
  await ok(`plan ${FILES} --run ${run} --dry-run --again`);
  expect(await ok(`replay --run ${run} --dry-run --again`)).toContain('1 item(s) to replay');
  await ok(`dataset --run ${run} --dry-run`);
  for (const check of ['consistency', 'drift', 'report']) await ok(`${check} --run ${run} --dry-run --again`);
  expect(contents(run)).toEqual(before);
  expect(records(run)).toEqual(records('night'));
}, 60_000);

test.each([
  ['a run folder that is none', 'replay --run nowhere', 1, /run-missing: .*nowhere holds no plan\.json/],
  [
    'a run folder below a file',
    `plan ${FILES} --run world.jsonl/run`,
    1,
    /run-unwritable: .*ENOTDIR.* its path/,
  ],
  ['an item that is none', 'replay --run night --item p9', 2, /--item p9 is no item: ids are p00000/],
  ['files and an archive', `plan ${FILES} --archive a --run x`, 2, /not both/],
  ['files without a format', 'plan world.jsonl --run x', 2, /input-format/],
  ['no such file', 'plan none.jsonl --format segment --run x', 2, /input-missing: There is no file none/],
  [
    'no such archive',
    'plan --archive nowhere --run x',
    1,
    /archive-refused: There is no archive in .*nowhere/,
  ],
  ['a time that is none', `plan ${FILES} --run x --until soon`, 2, /--until soon/],
  [
    'an end that the history does not reach',
    `plan ${FILES} --run x --until 2027-01-01T00:00:00Z`,
    1,
    /history-short/,
  ],
  ['another range', `plan ${FILES} --run night --until 2026-07-01T00:00:00Z`, 1, /run-changed/],
  ['consistency of a folder that is none', 'consistency --run nowhere', 1, /run-missing/],
])('%s is named', async (_what, line, code, said) => {
  expect(await step(line)).toMatchObject({ code, stderr: expect.stringMatching(said) as string });
  expect(existsSync(at('nowhere'))).toBe(false);
});

test('one row with a clock of the far future is named as what it is, not as churn of everybody', async () => {
  const row = { ...(JSON.parse(lines[300]!) as object), messageId: 'x' };
  const late = JSON.stringify({
    ...row,
    timestamp: '2099-03-01T00:00:00Z',
    receivedAt: '2099-03-01T00:00:00Z',
  });
  writeFileSync(at('late.jsonl'), [...lines, late, ''].join('\n'));
  const { code, stderr } = await step('plan late.jsonl --format segment --run late');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/history-gap: .*2026-07-\d\d and 2099-03-01/)]);
  await ok('plan late.jsonl --format segment --run late --until 2026-07-19T00:00:00Z');
});

test('another currency, other files or a changed archive are another run', async () => {
  const run = copyOf('changed');
  const euros = await step(`replay --run ${run}`, { RESCORE_CURRENCY: 'EUR' });
  expect(euros.stderr).toMatch(/run-changed: .*another currency/);
  writeFileSync(at('fewer.jsonl'), lines.slice(0, -50).join('\n'));
  const fewer = await step(`plan fewer.jsonl --format segment --run ${run}`);
  expect(fewer.stderr).toMatch(/run-changed: .*other files/);
  const manifest = at(run, 'source', 'manifest', 'day=2026-02-03.json');
  rmSync(manifest);
  expect((await step(`replay --run ${run} --again`)).stderr).toMatch(
    /run-changed: The archive of item p00000/,
  );
});

test('a damaged object of the archive is named, and no item is done', async () => {
  const run = copyOf('damaged');
  const folder = at(run, 'source', 'web-events', 'day=2026-02-03');
  const [name] = readdirSync(folder);
  const bytes = readFileSync(join(folder, name!));
  bytes[bytes.length - 30]! ^= 1;
  writeFileSync(join(folder, name!), bytes);
  const { code, stderr } = await step(`replay --run ${run} --again`);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/archive-damaged: web-events\/day=2026-02-03/)]);
  expect((await step(`dataset --run ${run}`)).stderr).toMatch(/step-missing: 1 of 1 item\(s\)/);
});

test('an item or a folder that another process works on is left to it', async () => {
  const run = copyOf('held');
  const signal = new AbortController();
  const clock = { now: () => 0, sleep: () => Promise.resolve() };
  const holder = { io: { clock, signal: signal.signal } } as unknown as Context;
  const held = <T>(file: string, work: () => Promise<T>): Promise<T> => withLock(holder, at(run, file), work);
  const before = contents(run);
  await held('items/p00000.lock', async () => {
    expect((await step(`replay --run ${run} --again`)).stderr).toMatch(/run-in-use: .*p00000\.lock is held/);
    expect(await ok(`replay --run ${run}`)).toContain('1 done before');
  });
  await held('run.lock', async () => {
    expect((await step(`dataset --run ${run} --again`)).stderr).toMatch(/run-in-use: .*run\.lock is held/);
  });
  expect(contents(run)).toEqual(before);
});

test('records that nobody can read are counted aloud, not left out in silence', async () => {
  const storage = openStorage({ location: at('unreadable'), s3Endpoint: '', s3Region: 'us-east-1' });
  const archive = new ArchiveImport(storage, 1, 1_000);
  for (let day = 0; day < 10; day++) {
    const recordAt = Date.UTC(2026, 0, 1 + day);
    const value = Buffer.from('as another registry wrote it');
    await archive.add({ topic: 'web-events', partition: 0, recordAt, key: 'kim', value });
  }
  await archive.finish();
  await ok('plan --archive unreadable --run unread');
  const { stdout, stderr } = await step('replay --run unread');
  expect([stdout, stderr]).toEqual([
    expect.stringContaining('10 records'),
    expect.stringMatching(/10 record\(s\) can't be used.*registry\.url/),
  ]);
  expect((await step('dataset --run unread')).stderr).toMatch(
    /history-short: .*10 records, 10 of them refused/,
  );
});
