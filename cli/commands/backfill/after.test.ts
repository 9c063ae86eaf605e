/** `--after` as a person uses it: a night that goes on from the night before. */
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
import { runCli } from '../../testing/captured-io';

const cwd = mkdtempSync(join(tmpdir(), 'rescore-after-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
const at = (...names: string[]): string => join(cwd, ...names);

const step = (line: string, env: Record<string, string> = {}) =>
  runCli(['backfill', ...line.split(' ')], { cwd, env });

async function ok(line: string, env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await step(line, env);
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

const two = 'world.jsonl --format segment --run nights/two';
const alone: Record<string, string> = {};
/** Of the results: the plan names the run that it goes on from. */
const results = (folder: string): Record<string, string> => {
  const { 'plan.json': _plan, ...rest } = contents(folder);
  return rest;
};
/** When its tracker was reached: the order in which it arrives. */
const receivedAt = (line: string): string => (JSON.parse(line) as { receivedAt: string }).receivedAt;

beforeAll(async () => {
  const { stdout } = await runCli(['world', '--customers', '40', '--days', '200', '--seed', '4'], { cwd });
  writeFileSync(at('world.jsonl'), stdout);
  const lines = stdout.trim().split('\n');
  const until = lines.findIndex(line => receivedAt(line) >= '2026-06');
  expect(until).toBeGreaterThan(1_000);
  writeFileSync(at('first.jsonl'), lines.slice(0, until).join('\n'));
  await ok('plan world.jsonl --format segment --run alone');
  await ok('replay --run alone');
  await ok('dataset --run alone');
  Object.assign(alone, results('alone'));
  await ok('plan first.jsonl --format segment --run nights/one --after latest');
  await ok('replay --run nights/one');
}, 120_000);

const foldedBy = (run: string): { records: number; takenUp: number } =>
  (
    JSON.parse(readFileSync(at(run, 'steps', 'replay', 'p00000.json'), 'utf8')) as {
      counts: { records: number; takenUp: number };
    }
  ).counts;

test('folds what is new alone, and says so; the bytes are those of a night alone', async () => {
  const { records } = foldedBy('nights/one');
  const planned = await ok(`plan ${two} --after latest`);
  const said = /^p00000 goes on from one: of ([\d,]+) records ([\d,]+) are folded there\.$/m.exec(planned)!;
  const [all, folded] = said.slice(1).map(figure => Number(figure.replaceAll(',', '')));
  expect(folded).toBe(records);
  expect(all).toBeGreaterThan(records);
  const dry = await ok('replay --run nights/two --dry-run');
  expect(dry).toContain(`${said[2]} of the records an earlier run has folded.`);
  const json = await runCli(['--json', 'backfill', 'replay', '--run', 'nights/two', '--dry-run'], { cwd });
  expect(JSON.parse(json.stdout)).toMatchObject({ open: true, takenUp: records });
  expect(await ok('replay --run nights/two')).toContain(
    `${said[2]} of the records an earlier run had folded`,
  );
  await ok('dataset --run nights/two');
  expect(results('nights/two')).toEqual(alone);
  expect(foldedBy('nights/two')).toMatchObject({ takenUp: records });
  expect(foldedBy('alone')).toMatchObject({ takenUp: 0 });
}, 60_000);

test('planned once more it goes on as it was planned; --again begins with the first record', async () => {
  const before = contents('nights/two');
  await ok(`plan ${two}`);
  expect(contents('nights/two')).toEqual(before);
  expect(await ok('replay --run nights/two --again')).not.toContain('an earlier run');
  expect(foldedBy('nights/two')).toMatchObject({ takenUp: 0 });
  expect(contents('nights/two')).toEqual(before);
  await ok(`plan ${two} --again`);
  expect(readFileSync(at('nights/two/plan.json'), 'utf8')).not.toContain('"after"');
}, 60_000);

test('a dry run says what it would go on from, and writes nothing; a run gives --after to the plan', async () => {
  const third = 'world.jsonl --format segment --run nights/three';
  expect(await ok(`plan ${third} --after nights/one --dry-run`)).toMatch(/^p00000 goes on from one: /m);
  expect(await ok(`run ${third} --after latest --dry-run`)).toMatch(/^p00000 goes on from /m);
  expect(existsSync(at('nights/three'))).toBe(false);
}, 60_000);

test('where it is not possible a line says why, in the plan and in the replay', async () => {
  const first = 'first.jsonl --format segment --run begin/late --from 2026-01-20T00:00:00Z';
  expect(await ok(`plan ${first} --after nights/one`)).toMatch(
    /^From the first record: p00000\. one begins at 2026-01-01T00:00Z, this run at 2026-01-20T00:00Z, as the archive or --from does\.$/m,
  );
  expect(await ok('plan first.jsonl --format segment --run lonely/night --after latest')).toMatch(
    /^From the first record: p00000\. No earlier run of this archive lies beside it\.$/m,
  );
  await ok(`plan world.jsonl --format segment --run torn/two --after nights/one`);
  cpSync(at('nights/one'), at('torn/one'), { recursive: true });
  await ok(`plan world.jsonl --format segment --run torn/two --after torn/one`);
  rmSync(at('torn/one'), { recursive: true });
  const { code, stderr } = await step('replay --run torn/two');
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/p00000 begins at its first record: one does not have the item any more/),
  ]);
  await ok('dataset --run torn/two');
  expect(results('torn/two')).toEqual(alone);
}, 60_000);

test('what was read with the schema ids of another registry is not gone on from', async () => {
  const line = 'plan --archive nights/one/source --run registry/two --after nights/one --dry-run';
  expect(await ok(line, { RESCORE_REGISTRY_URL: '' })).toMatch(/^p00000 goes on from one: /m);
  expect(await ok(line, { RESCORE_REGISTRY_URL: 'http://registry:8081' })).toMatch(
    /^From the first record: p00000\. one folded it with another release, or with another registry\.url\.$/m,
  );
});

test.each([
  [
    'a folder that is none',
    '--after nowhere',
    /--after nowhere holds no plan\.json that can be read: name the folder/,
  ],
  [
    'the run itself',
    '--after nights/self',
    /--after nights\/self is the run itself: name an earlier run folder, or latest/,
  ],
])('%s is refused', async (_what, after, said) => {
  const { code, stderr } = await step(`plan world.jsonl --format segment --run nights/self ${after}`);
  expect([code, stderr]).toEqual([2, expect.stringMatching(said)]);
  expect(existsSync(at('nights/self/plan.json'))).toBe(false);
});
