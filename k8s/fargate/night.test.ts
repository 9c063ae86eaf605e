/** @jest-environment ./models/testing/onnx-environment.js */
/**
 * A night of the template, with its commands and its settings, on a bucket that refuses what the role of each state may not:
 * the rights suffice, and each one is used. Only Kafka, the schema registry and AWS itself are not there.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trainerDirectory } from '../../backfill/baseline/trainer';
import { archiveOf, playedWorld, rowsOf } from '../../backfill/testing/published-archive';
import { runCli } from '../../cli/testing/captured-io';
import { openStorage } from '../../streams/archive';
import { PolicedBucket, mayRole } from '../testing/policed-bucket';
import { Resources, runs, statementsOf, taskOf, wordsOf } from '../testing/template';

const isInstalled = existsSync(join(trainerDirectory(), '.venv', 'bin', 'python'));
if (!isInstalled)
  process.stderr.write('Skipped: a night under its rights; `make trainer` installs what it needs.\n');

const cwd = mkdtempSync(join(tmpdir(), 'rescore-rights-'));
const bucket = new PolicedBucket();
const environment = { ...process.env };
let endpoint: string;
let publicKey: string;

const definitionOf = (state: string) => Resources[taskOf[state]].Properties;
const roleOf = (state: string): string => definitionOf(state).TaskRoleArn!.replace('.Arn', '');

/** A small world is enough to see every step; it is not enough to be good. */
const LENIENT = {
  RESCORE_GATE_CUSTOMERS: '100',
  RESCORE_GATE_CALIBRATION_ERROR: '1',
  RESCORE_GATE_SELECTION_RATIO: '0',
  RESCORE_GATE_MICROS_PER_ROW: '10000',
  RESCORE_GATE_TOLERANCE: '1',
};

/** The environment of the container, with what a parameter or a secret gives. */
function settingsOf(state: string): Record<string, string> {
  const [{ Environment = [] }] = definitionOf(state).ContainerDefinitions!.filter(
    ({ Name }) => Name === 'rescore',
  );
  const given: Readonly<Record<string, string>> = {
    'AWS::Region': 'us-east-1',
    Currency: 'USD',
    ModelsSet: 'shop',
    ModelsTrustedKeys: publicKey,
    // The ids that are built in.
    RegistryUrl: '',
    '/key/model-signing.pem': 'key.pem',
  };
  const settings = Environment.map(
    ({ Name, Value }) => [Name, given[Value] ?? Value.replace('${Bucket}', 'shop')] as const,
  );
  return {
    ...Object.fromEntries(settings),
    RESCORE_ARCHIVE_S3_ENDPOINT: endpoint,
    RESCORE_MODELS_S3_ENDPOINT: endpoint,
    ...(state === 'Gate' ? LENIENT : {}),
  };
}

/** Runs the command of a state in the run folder `night`, with the rights of its role. */
async function run(state: string, night: string) {
  const [, { Parameters }] = runs.find(([name]) => name === state)!;
  const argv = wordsOf(Parameters!.Overrides!.ContainerOverrides[0]['Command.$']).map(word =>
    word === '{}'
      ? '0'
      : word
          .replace('/nights/{}', `nights/${night}`)
          .replace('${Bucket}', 'shop')
          .replace('${Metrics}', 'rescore/shop'),
  );
  bucket.as(roleOf(state));
  const { code, stderr } = await runCli(argv, { cwd, env: settingsOf(state) });
  return { code, stderr, refused: [...bucket.refused], used: [...bucket.used].sort() };
}

const WELL = { code: 0, refused: [] };

/** `action folder` of all that a role may do with objects and their key. */
const rightsOf = (role: string): string[] =>
  statementsOf(role)
    .flatMap(({ Action, Resource }) =>
      [Action].flat().map(action => `${action} ${/\/(\w+)\/\*$/.exec(String(Resource))?.[1] ?? ''}`.trim()),
    )
    .filter(right => /^(s3|kms):/.test(right))
    .sort();
/** The folder of a list is in its condition, and nobody says it who only hears that an object is missing. */
const withoutFolderOfList = (used: readonly string[]): string[] =>
  [...new Set(used.map(right => right.replace(/^(s3:ListBucket).*/, '$1')))].sort();

/** Of the run folder, to see that nobody wrote into it. */
const contentsOf = (night: string): string[] =>
  readdirSync(join(cwd, 'nights', night), { recursive: true, encoding: 'utf8' }).sort();

/** A history from files, as the archive of the bucket. */
async function archiveOfFiles(): Promise<void> {
  const world = await runCli(['world', '--customers', '260', '--days', '400', '--seed', '3'], { cwd });
  writeFileSync(join(cwd, 'world.jsonl'), world.stdout);
  await runCli(['backfill', 'plan', 'world.jsonl', '--format', 'segment', '--run', 'files'], { cwd });
  bucket.objects.clear();
  const source = join(cwd, 'files', 'source');
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      bucket.objects.set(`archive/${path.slice(source.length + 1)}`, readFileSync(path));
    }
}

beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  endpoint = await bucket.open();
  const key = await runCli(['--json', 'models', 'keygen', 'key.pem'], { cwd });
  ({ publicKey } = JSON.parse(key.stdout) as { publicKey: string });
});
afterAll(() => {
  bucket.close();
  process.env = environment;
  rmSync(cwd, { recursive: true, force: true });
});

test('the bucket refuses what no statement allows', () => {
  const key = '${Bucket.Arn}/models/churn/current.json';
  expect(mayRole('PublishRole', 's3:PutObject', key, {})).toBe(true);
  expect(mayRole('PublishRole', 's3:DeleteObject', key, {})).toBe(false);
  expect(mayRole('ModelsRole', 's3:PutObject', key, {})).toBe(false);
  expect(mayRole('HistoryRole', 's3:GetObject', key, {})).toBe(false);
  const lists = (prefix: string) =>
    mayRole('HistoryRole', 's3:ListBucket', 'Bucket.Arn', { 's3:prefix': prefix });
  expect([lists('archive/manifest/'), lists('models/'), lists('')]).toEqual([true, false, false]);
  expect(mayRole('KeepRole', 'kms:GenerateDataKey', 'Key.Arn', {})).toBe(false);
});

test('an archive begins, and consistency reads inputs and scores of it', async () => {
  bucket.as(roleOf('Archive'));
  const place = { location: 's3://shop/archive', s3Endpoint: endpoint, s3Region: 'us-east-1' };
  const storage = await archiveOf(rowsOf(await playedWorld()), openStorage(place));
  storage.close();
  expect([...bucket.refused]).toEqual([]);
  expect(withoutFolderOfList([...bucket.used])).toEqual(rightsOf(roleOf('Archive')));

  mkdirSync(join(cwd, 'nights', 'scored'), { recursive: true });
  writeFileSync(join(cwd, 'nights', 'scored', 'plan.json'), '{}');
  const { used, stderr, ...ended } = await run('Consistency', 'scored');
  expect({ ...ended, stderr: ended.code === 0 ? '' : stderr }).toEqual({ ...WELL, stderr: '' });
  expect(stderr).toContain('"rescore_consistency_checked_scores":');
  expect(used).toEqual(['kms:Decrypt', 's3:GetObject archive', 's3:ListBucket archive']);
}, 120_000);

(isInstalled ? test : test.skip)(
  'a night does what it should, with these rights and all of them',
  async () => {
    await archiveOfFiles();
    const ran = new Set<string>();
    const usedBy: Record<string, string[]> = {};
    const well = async (state: string, night: string): Promise<void> => {
      const { used, stderr, ...ended } = await run(state, night);
      expect({ state, ...ended, stderr: ended.code === 0 ? '' : stderr }).toEqual({
        state,
        ...WELL,
        stderr: '',
      });
      ran.add(state);
      usedBy[roleOf(state)] = [...(usedBy[roleOf(state)] ?? []), ...used];
    };
    for (const state of ['Plan', 'Item', 'Dataset', 'Train', 'Gate', 'Publish', 'Drift', 'Report'])
      await well(state, 'first');
    // The archive has no scores: it is of files. What the check says of that is its answer.
    const consistency = await run('Consistency', 'first');
    expect(consistency).toMatchObject({
      code: 1,
      refused: [],
      stderr: expect.stringContaining('scores-missing') as string,
    });
    const before = contentsOf('first');
    await well('Keep', 'first');
    expect(contentsOf('first')).toEqual(before);

    // Now that models score, they are asked.
    cpSync(join(cwd, 'nights', 'first'), join(cwd, 'nights', 'second'), { recursive: true });
    for (const name of ['gate.json', 'trained'])
      rmSync(join(cwd, 'nights', 'second', name), { recursive: true });
    for (const state of ['Train', 'Gate', 'Drift']) await well(state, 'second');

    for (const [role, used] of Object.entries(usedBy))
      expect([role, withoutFolderOfList(used)]).toEqual([role, rightsOf(role)]);
    const left = runs.map(([name]) => name).filter(name => !ran.has(name));
    expect(left).toEqual(['Archive', 'Consistency', 'Tidy']);
    const written = (folder: string) => [...bucket.objects.keys()].filter(key => key.startsWith(folder));
    expect(written('models/')).toEqual(expect.arrayContaining(['models/churn/current.json']));
    expect(written('nights/')).toEqual(
      expect.arrayContaining(['nights/first/report.pdf', 'nights/metrics.prom']),
    );
  },
  240_000,
);
