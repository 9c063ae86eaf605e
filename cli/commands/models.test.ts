/** @jest-environment ./models/testing/onnx-environment.js */
/** The commands over models as a person uses them: from a key to a model that scores, and back. */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { baselineDirectory, openScorer } from '../../models';
import type { Manifest } from '../../models/registry/manifest';
import { openStore } from '../../models/registry/open-store';
import { presentFiles, seal } from '../../models/registry/sealed';
import { newSigningKey, readSigningKey } from '../../models/signing';
import { draftOf, filesOf, publishTiny, tinyModel } from '../../models/testing/artifacts';
import { describeWithServers } from '../../streams/testing/describe';
import { startBucket } from '../../streams/testing/bucket';
import type { Io } from '../io';
import { modelsPlace } from '../models/registry';
import { parseSettings } from '../settings';
import { runCli } from '../testing/captured-io';

const cwd = mkdtempSync(join(tmpdir(), 'rescore-models-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

let env: Record<string, string> = {};
const run = (...argv: string[]) => runCli(argv, { cwd, env: { USER: 'kim', ...env } });
const ok = async (...argv: string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(...argv);
  expect({ argv, code, stderr: code === 0 ? '' : stderr }).toEqual({ argv, code: 0, stderr: '' });
  return stdout;
};
const json = async <T>(...argv: string[]): Promise<T> => JSON.parse(await ok('--json', ...argv)) as T;
const refused = async (...argv: string[]): Promise<string> => {
  const { code, stderr } = await run(...argv);
  expect([argv, code]).not.toEqual([argv, 0]);
  return stderr;
};

const metric = (value: number) => ({ value, low: value - 0.01, high: value + 0.01 });
const evaluation = (champion: string | null, more: object = {}): NonNullable<Manifest['evaluation']> => ({
  archiveStart: '2025-01-01T00:00:00Z',
  classes: { positives: 400, negatives: 600 },
  holdOutSha256: '0'.repeat(64),
  strongestFeatures: [{ feature: 'last_login_days_ago', measure: 'auc', value: 0.9 }],
  fairness: {},
  champion: champion === null ? null : { version: champion, metrics: { auc: metric(0.8) } },
  ...more,
});

/** A folder as a trainer leaves it, unsigned. Versions differ by `base`. */
function trained(folder: string, base: number, champion: string | null, more: object = {}): string {
  const files = filesOf(tinyModel(true, { base }));
  const draft = draftOf('churn', files['model.onnx'], {
    set: 'shop',
    rows: { train: { rows: 9_000, customers: 900 }, validation: { rows: 900, customers: 90 } },
    metrics: { auc: metric(0.82), calibrationError: { value: 0.01, low: 0, high: 0.02 } },
    evaluation: evaluation(champion, more),
  });
  const { manifest, version } = seal(draft, files, newSigningKey());
  mkdirSync(join(cwd, folder), { recursive: true });
  writeFileSync(join(cwd, folder, 'manifest.json'), manifest);
  for (const [file, bytes] of presentFiles(files)) writeFileSync(join(cwd, folder, file), bytes);
  return version;
}

/** Key, then two versions, the second current: in whatever registry `env` names. */
async function twoVersions(): Promise<[string, string]> {
  const first = trained('first', 0.5, null);
  await ok('models', 'sign', 'first', '--key', 'key.pem');
  await ok('models', 'promote', 'churn', '--from', 'first');
  const second = trained('second', 1, first);
  await ok('models', 'sign', 'second', '--key', 'key.pem');
  await ok('models', 'promote', 'churn', '--from', 'second', '--reason', 'nightly');
  return [first, second];
}

let publicKey = '';
beforeAll(async () => {
  ({ publicKey } = await json<{ publicKey: string }>('models', 'keygen', 'key.pem'));
});

let registries = 0;
beforeEach(() => {
  env = {
    RESCORE_MODELS_DIRECTORY: `registry-${++registries}`,
    RESCORE_MODELS_SET: 'shop',
    RESCORE_MODELS_TRUSTED_KEYS: publicKey,
    // No test fails on timing.
    RESCORE_GATE_MICROS_PER_ROW: '10000',
  };
});

describe('keys', () => {
  test('the private key is for its owner alone, is not printed, and is never written over', async () => {
    const said = await ok('models', 'keygen', 'other.pem');
    const pem = readFileSync(join(cwd, 'other.pem'), 'utf8');
    expect(statSync(join(cwd, 'other.pem')).mode & 0o777).toBe(0o600);
    const secret = pem.split('\n')[1]!;
    expect(said).not.toContain(secret.slice(-20));
    expect(await refused('models', 'keygen', 'other.pem')).toContain('key-exists');
    expect(readFileSync(join(cwd, 'other.pem'), 'utf8')).toBe(pem);
  });

  test('what keygen prints is what the settings file takes', async () => {
    const said = await ok('models', 'keygen', 'pasted.pem');
    const yaml = said.slice(said.indexOf('models:\n'));
    writeFileSync(join(cwd, 'pasted.yaml'), yaml);
    env = {};
    const settings = await json<{ name: string; value: unknown }[]>('--settings', 'pasted.yaml', 'settings');
    const value = (name: string) => settings.find(one => one.name === name)!.value;
    expect(value('models.set')).toBe('production');
    expect(value('models.signingKeyFile')).toBe('pasted.pem');
    expect(value('models.trustedKeys')).toEqual([expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/)]);
  });

  test.each([
    ['no key at all', [], 'key-missing: There is no key to sign with.'],
    ['a file that is none', ['--key', 'nowhere.pem'], 'key-unfit: nowhere.pem cannot be read (ENOENT).'],
    ['a file that is no key', ['--key', 'text.pem'], 'key-unfit: text.pem: it holds no private key.'],
  ])('sign with %s', async (_what, more, said) => {
    trained('unsigned', 0.5, null);
    writeFileSync(join(cwd, 'text.pem'), 'hello');
    expect(await refused('models', 'sign', 'unsigned', ...more)).toContain(said);
  });

  test('a key that others may read is a warning, one that is not trusted here too', async () => {
    trained('warned', 0.5, null);
    await ok('models', 'keygen', 'loose.pem');
    chmodSync(join(cwd, 'loose.pem'), 0o644);
    const { code, stderr } = await run('models', 'sign', 'warned', '--key', 'loose.pem');
    expect(code).toBe(0);
    expect(stderr).toContain('chmod 600 loose.pem');
    expect(stderr).toContain('do not trust key');
  });

  test('sign: what a loader would refuse is not signed, another signature is not written over', async () => {
    trained('damaged', 0.5, null);
    writeFileSync(join(cwd, 'damaged', 'card.md'), '# Another card\n');
    expect(await refused('models', 'sign', 'damaged', '--key', 'key.pem')).toContain('file-digest-mismatch');
    trained('signed', 0.5, null);
    await ok('models', 'sign', 'signed', '--key', 'key.pem');
    await ok('models', 'sign', 'signed', '--key', 'key.pem');
    await ok('models', 'keygen', 'another.pem');
    expect(await refused('models', 'sign', 'signed', '--key', 'another.pem')).toContain('--replace');
    expect((await run('models', 'sign', 'signed', '--key', 'another.pem', '--replace')).code).toBe(0);
  });
});

describe('trust', () => {
  test('the key that comes with rescore is trusted for the set baseline alone', async () => {
    cpSync(join(baselineDirectory(), 'churn'), join(cwd, env['RESCORE_MODELS_DIRECTORY']!, 'churn'), {
      recursive: true,
    });
    const baselineKey = (
      JSON.parse(readFileSync(join(baselineDirectory(), 'trusted-keys.json'), 'utf8')) as {
        keys: { publicKey: string }[];
      }
    ).keys[0]!.publicKey;
    for (const keys of [publicKey, `${publicKey},${baselineKey}`]) {
      env['RESCORE_MODELS_TRUSTED_KEYS'] = keys;
      const { code, stdout } = await run('models', 'verify');
      expect([code, stdout]).toEqual([1, expect.stringContaining('signer-not-trusted')]);
    }
  });

  test('the set baseline takes no key but that one', async () => {
    env['RESCORE_MODELS_SET'] = 'baseline';
    expect(await refused('models', 'list')).toContain('models-trust');
  });

  test('a model of a stranger is not brought in', async () => {
    trained('strange', 0.5, null);
    await ok('models', 'keygen', 'stranger.pem');
    await run('models', 'sign', 'strange', '--key', 'stranger.pem');
    expect(await refused('models', 'promote', 'churn', '--from', 'strange')).toContain('signer-unknown');
    expect(await json('models', 'list')).toEqual([]);
  });

  test('the models that come with rescore are verified as they are', async () => {
    env = {};
    const found = await json<{ name: string; code: null }[]>('models', 'verify');
    expect(found.map(({ name, code }) => [name, code])).toEqual([
      ['churn', null],
      ['engagement', null],
      ['ltv', null],
    ]);
    expect(await ok('models', 'show', 'churn')).toContain('No decision is on record.');
  }, 60_000);
});

/** From a key to a model that scores, and back. */
async function lifeOfAModel(): Promise<void> {
  const [first, second] = await twoVersions();
  const listed = await json<{ version: string; standing: string; problem: null }[]>('models', 'list');
  expect(listed.map(({ version, standing, problem }) => [version, standing, problem]).sort()).toEqual(
    [
      [first, 'previous', null],
      [second, 'current', null],
    ].sort(),
  );
  expect(await ok('models', 'list')).toMatch(/auc 0\.82, calibrationError 0\.01/);
  const rolled = await json<{ version: string; withdrawn: string }>(
    'models',
    'rollback',
    'churn',
    '--reason',
    'twice the alerts',
  );
  expect(rolled).toMatchObject({ version: first, withdrawn: second });
  expect(await refused('models', 'rollback', 'churn', '--reason', 'again')).toContain('rollback-impossible');
  const shown = await json<{ audit: { action: string; version: string; by: string; reason: string }[] }>(
    'models',
    'show',
    'churn',
  );
  expect(shown.audit.map(({ action, version, by, reason }) => [action, version, by, reason])).toEqual([
    ['promote', first, 'kim', ''],
    ['promote', second, 'kim', 'nightly'],
    ['rollback', first, 'kim', 'twice the alerts'],
  ]);
  await ok('models', 'promote', 'churn', second, '--by', 'ops');
  expect(await ok('models', 'show', 'churn')).toContain('ops');
  await ok('models', 'verify', 'churn', '--all');
}

test('from a key to a model that scores, and back', lifeOfAModel);

/** What `rescore run`, `replay` and the others open: the models of the settings, by the keys of the settings. */
async function scores(): Promise<void> {
  const keys = readSigningKey(readFileSync(join(cwd, 'key.pem'), 'utf8'));
  const io = { env, cwd } as Io;
  const place = modelsPlace(io, parseSettings(env, null).values);
  const store = openStore(place.directory, place.s3);
  const more = { set: 'shop' };
  for (const name of ['engagement', 'churn', 'ltv'])
    await publishTiny({ store, set: 'shop', keys: place.keys, key: keys }, name, undefined, more);
  store.close();
  const doctor = async () => {
    const { stdout } = await runCli(['--json', 'doctor'], { cwd, env, openScorer });
    return (JSON.parse(stdout) as { check: string; state: string; found: string }[]).find(
      ({ check }) => check === 'models',
    )!;
  };
  expect(await doctor()).toMatchObject({ state: 'ok', found: expect.stringContaining('ltv 2026') as string });
  env['RESCORE_MODELS_TRUSTED_KEYS'] = newSigningKey().publicKey;
  expect(await doctor()).toMatchObject({
    state: 'problem',
    found: expect.stringContaining('no trusted key has the id') as string,
  });
}

test('models of a set of our own score, and only by a key that is trusted for it', scores);

describe('the gate', () => {
  test('every reason is printed, is in the audit, and nothing moves; --force goes against it, with its reason', async () => {
    const [, second] = await twoVersions();
    const bad = trained('bad', 2, second, {
      classes: { positives: 3, negatives: 997 },
      strongestFeatures: [{ feature: 'churned', measure: 'auc', value: 1 }],
      fairness: { ageBand: { selectionRatio: 0.5, groups: {} } },
    });
    await ok('models', 'sign', 'bad', '--key', 'key.pem');
    const reasons = [
      '3 rows with the label, at least 50 are needed',
      'churned alone has an AUC of 1, at most 0.98 is no leak',
      'ageBand: the least selected group over the most selected is 0.5, at least 0.8 is fair',
    ];
    const { code, stdout, stderr } = await run('models', 'promote', 'churn', '--from', 'bad');
    expect(code).toBe(1);
    expect(stderr).toBe(
      `rescore: gate-rejected: churn/${bad}: ${reasons.join('; ')}. Train again with what it names, or decide against the gate: --force with --reason; both stay in the audit.\n`,
    );
    for (const reason of reasons) expect(stdout).toContain(reason);
    const shown = () =>
      json<{ pointer: { version: string }; audit: { action: string; forced: boolean; checks: object[] }[] }>(
        'models',
        'show',
        'churn',
      );
    expect((await shown()).pointer.version).toBe(second);
    expect((await shown()).audit.at(-1)).toMatchObject({
      action: 'reject',
      forced: false,
      checks: expect.arrayContaining(
        reasons.map(said => expect.objectContaining({ state: 'failed', said }) as object),
      ) as object[],
    });
    expect(await refused('models', 'promote', 'churn', '--from', 'bad', '--force')).toContain(
      'needs --reason',
    );
    await ok('models', 'promote', 'churn', '--from', 'bad', '--force', '--reason', 'a drill');
    expect(await shown()).toMatchObject({ pointer: { version: bad } });
    expect((await shown()).audit.at(-1)).toMatchObject({
      action: 'promote',
      forced: true,
      reason: 'a drill',
    });
  });

  test('limits are settings, and --dry-run changes nothing', async () => {
    trained('dry', 0.5, null);
    await ok('models', 'sign', 'dry', '--key', 'key.pem');
    env['RESCORE_GATE_CUSTOMERS'] = '1000';
    const verdict = await json<{ decision: string; reasons: string[] }>(
      'models',
      'promote',
      'churn',
      '--from',
      'dry',
      '--dry-run',
    );
    expect(verdict).toMatchObject({
      decision: 'reject',
      reasons: ['900 customers to learn from, at least 1000 are needed'],
    });
    expect(await json('models', 'list')).toEqual([]);
  });

  test('a model that was compared with another one than the current is refused', async () => {
    await twoVersions();
    trained('stale', 3, '20240101T000000Z-00000000');
    await ok('models', 'sign', 'stale', '--key', 'key.pem');
    expect(await refused('models', 'promote', 'churn', '--from', 'stale')).toContain(
      'it was compared with 20240101T000000Z-00000000, and',
    );
  });
});

test('diff: metrics first, and nothing of what is equal', async () => {
  const [first, second] = await twoVersions();
  const { differences } = await json<{ differences: { field: string }[] }>(
    'models',
    'diff',
    'churn',
    first,
    second,
  );
  const fields = differences.map(({ field }) => field);
  expect(fields).toContain('files.model.onnx.sha256');
  expect(fields).toContain('evaluation.champion');
  expect(fields).not.toContain('metrics.auc.value');
  expect(await ok('models', 'diff', 'churn', second)).toContain('Nothing differs.');
});

test('verify: a damaged version has its code and its remedy, and the exit code is 1', async () => {
  const [first] = await twoVersions();
  writeFileSync(join(cwd, env['RESCORE_MODELS_DIRECTORY']!, 'churn', first, 'card.md'), '# Another card\n');
  await ok('models', 'verify');
  const { code, stdout, stderr } = await run('models', 'verify', 'churn', '--all');
  expect([code, stderr]).toEqual([1, expect.stringContaining('models-unfit: 1 of 2 may not score.')]);
  expect(stdout).toContain('file-digest-mismatch');
});

test.each([
  ['a model that is not there', ['show', 'nobody'], 1, 'model-unknown: There is no model "nobody"'],
  ['a version that is not there', ['show', 'churn', '20200101T000000Z-00000000'], 1, 'version-missing'],
  ['a version that is a path', ['show', 'churn', '../../etc'], 1, 'version-malformed'],
  ['a name that is a path', ['show', '../x', '20200101T000000Z-00000000'], 1, 'name-malformed'],
  ['neither version nor folder', ['promote', 'churn'], 2, 'Name a version of the registry'],
  [
    'a folder that is none',
    ['sign', 'nowhere', '--key', 'key.pem'],
    1,
    'input-missing: nowhere holds no manifest.json',
  ],
  ['rollback without a reason', ['rollback', 'churn'], 2, "required option '--reason <text>'"],
  [
    'too few decisions',
    ['show', 'churn', '--decisions', '0'],
    2,
    '--decisions 0 is not a whole number from 1',
  ],
])('%s', async (_what, argv, code, said) => {
  const answer = await run('models', ...argv);
  expect([answer.code, answer.stderr]).toEqual([code, expect.stringContaining(said)]);
});

describeWithServers('models in S3', () => {
  let bucket: Awaited<ReturnType<typeof startBucket>>;
  beforeAll(async () => void (bucket = await startBucket()), 180_000);
  afterAll(() => bucket.stop(), 60_000);

  test('from a key to a model that scores, and back', async () => {
    Object.assign(env, {
      RESCORE_MODELS_DIRECTORY: `s3://${bucket.name}/shop`,
      RESCORE_MODELS_S3_ENDPOINT: bucket.access.endpoint,
    });
    await lifeOfAModel();
  }, 60_000);

  test('models of a set of our own score, and only by a key that is trusted for it', async () => {
    Object.assign(env, {
      RESCORE_MODELS_DIRECTORY: `s3://${bucket.name}/ours`,
      RESCORE_MODELS_S3_ENDPOINT: bucket.access.endpoint,
    });
    await scores();
  }, 60_000);
});
