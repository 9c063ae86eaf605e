/** The commands as a person uses them, over one small world; exit codes, and what they say when they can't. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FEATURE_NAMES } from '../processors/core';
import { runCli } from './testing/captured-io';

const directory = mkdtempSync(join(tmpdir(), 'rescore-commands-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const run = (line: string) => runCli(line.split(' '), { cwd: directory });
const json = async <T>(line: string): Promise<T> => {
  const { code, stdout, stderr } = await run(`--json ${line}`);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
};
const lines = (...path: string[]): Record<string, unknown>[] =>
  readFileSync(join(directory, ...path), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>);

const event = (messageId: string, userId: string, at: string, more: object = {}): string =>
  JSON.stringify({ type: 'page', messageId, userId, timestamp: at, ...more });

beforeAll(async () => {
  const { stdout } = await run('world --customers 60 --days 50 --seed 3');
  writeFileSync(join(directory, 'world.jsonl'), stdout);
  writeFileSync(join(directory, 'nowhere.yaml'), 'redis: { addresses: ["127.0.0.1:1"] }\n');
  const { code, stderr } = await run(
    'replay world.jsonl --format segment --out out --features --until 2026-03-01T00:00:00Z',
  );
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
});

test('world: the same seed gives the same bytes', async () => {
  const [first, second] = [
    await run('world --customers 20 --days 9'),
    await run('world --customers 20 --days 9'),
  ];
  expect(first.stdout).toBe(second.stdout);
  expect(first.stdout.split('\n').length).toBeGreaterThan(50);
});

test('replay: every output file, and a vector for every customer', () => {
  const rows = lines('out', 'features.jsonl') as { features: object }[];
  expect(rows.length).toBeGreaterThan(40);
  expect(Object.keys(rows[0]!.features)).toEqual(FEATURE_NAMES);
  for (const file of ['scores', 'sessions', 'alerts'])
    expect(lines('out', `${file}.jsonl`).length).toBeGreaterThan(0);
  expect(JSON.parse(readFileSync(join(directory, 'out', 'quality.json'), 'utf8'))).toHaveProperty('findings');
});

test('replay: what is due at --until itself happens', async () => {
  writeFileSync(join(directory, 'one.jsonl'), event('m1', 'kim', '2026-01-01T12:00:00Z'));
  const inactive = async (until: string, out: string): Promise<number> => {
    await run(`replay one.jsonl --format segment --out ${out} --until ${until}`);
    return lines(out, 'alerts.jsonl').filter(({ kind }) => kind === 'inactive').length;
  };
  expect(await inactive('2026-01-31T23:59:59.999Z', 'before')).toBe(0);
  expect(await inactive('2026-02-01T00:00:00Z', 'at')).toBe(1);
});

test('explain: facts in words, features, what comes next', async () => {
  const [{ customerId }] = lines('out', 'scores.jsonl') as [{ customerId: string }];
  const { code, stdout } = await run(`explain ${customerId} --state out/state`);
  expect(code).toBe(0);
  for (const name of ['last_login_days_ago', 'What time alone will change', 'Scores'])
    expect(stdout).toContain(name);
});

test('top: ordered, and as many as asked for', async () => {
  const top = await json<{ churn30d: number }[]>('top --by churn --limit 7 --state out/state');
  expect(top).toHaveLength(7);
  expect(top.map(({ churn30d }) => churn30d)).toEqual(
    top.map(({ churn30d }) => churn30d).sort((a, b) => b - a),
  );
});

test('state: a backup is a whole state, and check finds nothing wrong with it', async () => {
  expect((await run('state backup backup --state out/state')).code).toBe(0);
  expect((await run('state restore backup --state restored')).code).toBe(0);
  const [before, after] = [
    await json<object>('state check --state out/state'),
    await json<{ problems: unknown[] }>('state check --state restored'),
  ];
  expect(after).toEqual(before);
  expect(after.problems).toEqual([]);
});

test('export and erase: all that is known of one person, then nothing, and older rows stay away', async () => {
  const id = lines('out', 'scores.jsonl')[5]!['customerId'] as string;
  const known = await json<Record<string, unknown>>(`export ${id} --state restored`);
  expect(JSON.stringify(known)).toContain(id);
  expect((await run(`erase ${id} --state restored`)).code).toBe(0);
  const gone = await run(`explain ${id} --state restored`);
  expect([gone.code, gone.stderr]).toEqual([
    1,
    `rescore: customer-unknown: Nothing is known of customer ${JSON.stringify(id)}. Check the id; an anonymous customer is written anon:ID.\n`,
  ]);
});

test('rescore: everybody, once more', async () => {
  const { rescored } = await json<{ rescored: number }>('rescore --all --state restored');
  expect(rescored).toBeGreaterThan(40);
});

test('doctor: says what it looked at', async () => {
  const findings = await json<{ check: string; state: string }[]>('doctor --state out/state');
  expect(findings.map(({ check }) => check)).toEqual(
    expect.arrayContaining(['node', 'lmdb', 'onnxruntime-node', 'models', 'port']),
  );
});

test.each([
  ['no such command', 'frobnicate', 2, 'unknown command'],
  ['no such option', 'top --frobnicate', 2, 'unknown option'],
  [
    'no format',
    'replay world.jsonl --out new',
    2,
    'Name the format: --format segment, or --map with one of `rescore mappings`.',
  ],
  ['no such file', 'replay nowhere.jsonl --format segment --out new', 2, 'input-missing'],
  ['no such mapping', 'replay world.jsonl --map nowhere --out new', 2, 'nowhere'],
  [
    'a time that is none',
    'replay world.jsonl --format segment --out new --until soon',
    2,
    '--until soon is not an ISO 8601 instant',
  ],
  [
    'an input after --until',
    'replay world.jsonl --format segment --out new2 --until 2026-01-02T00:00:00Z',
    1,
    'after --until 2026-01-02T00:00:00Z',
  ],
  ['a filled --out', 'replay world.jsonl --format segment --out out --state another', 2, 'out-not-empty'],
  ['no state', 'explain kim --state nowhere', 1, 'state-missing'],
  ['nobody', 'explain nobody --state out/state', 1, 'customer-unknown'],
  ['a limit in words', 'top --limit many --state out/state', 2, '--limit many is not a whole number'],
  ['a customer and all', 'rescore kim --all --state out/state', 2, 'Name one customer, or --all (not both).'],
  ['a backup over something', 'state backup out --state out/state', 1, 'target-not-empty'],
  ['run without its servers', 'run --settings nowhere.yaml', 1, 'redis-unreachable: Redis at 127.0.0.1:1:'],
  ['a folder for the state in Redis', 'run --state out/state', 2, '--state is for --embedded'],
  ['no customers', 'world --customers 0', 2, '--customers 0 is not a whole number'],
])('%s', async (_what, line, code, said) => {
  const answer = await run(line);
  expect({ code: answer.code, stderr: answer.stderr }).toEqual({
    code,
    stderr: expect.stringContaining(said) as string,
  });
});

test('--strict stops at the first bad row, with its own exit code', async () => {
  writeFileSync(
    join(directory, 'bad.jsonl'),
    `${event('m1', 'kim', '2026-01-01T12:00:00Z')}\n{"type":"page"\n`,
  );
  const strict = await run('replay bad.jsonl --format segment --out strict --strict');
  expect([strict.code, strict.stderr]).toEqual([
    3,
    expect.stringContaining('bad.jsonl, line 2: malformed-json'),
  ]);
  expect((await run('replay bad.jsonl --format segment --out lenient')).code).toBe(0);
});

test('rows that break readers are dead letters like any other', async () => {
  const deep = `{"type":"track","event":"X","userId":"kim","properties":{"a":${'['.repeat(9_000)}${']'.repeat(9_000)}}}`;
  const far = '{"type":"page","userId":"kim","messageId":"m1","timestamp":1e300}';
  writeFileSync(
    join(directory, 'hostile.jsonl'),
    `${deep}\n${far}\n${event('m2', 'kim', '2026-01-01T12:00:00Z')}\n`,
  );
  const { code, stderr } = await run('replay hostile.jsonl --format segment --out hostile');
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const codes = lines('hostile', 'dead-letters.jsonl').map(letter => letter['code']);
  expect(codes).toContain('malformed-time');
  expect(lines('hostile', 'scores.jsonl').length).toBeGreaterThan(0);
});

const helpOf = async (name: string): Promise<string> => (await run(`${name} --help`.trim())).stdout;
const commandsIn = (help: string): string[] =>
  [...(help.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z-]+)[ |]/gm)]
    .map(([, name]) => name!)
    .filter(name => name !== 'help');

test('every command has help with an example, and so has each of a group', async () => {
  const names = commandsIn(await helpOf(''));
  expect(names.length).toBeGreaterThanOrEqual(12);
  for (const name of names) {
    const help = await helpOf(name);
    const inside = commandsIn(help).map(inner => `${name} ${inner}`);
    const pages = inside.length > 0 ? await Promise.all(inside.map(helpOf)) : [help];
    for (const page of pages) expect([name, page]).toEqual([name, expect.stringContaining('$ ')]);
  }
});
