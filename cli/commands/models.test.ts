/** @jest-environment ./models/testing/onnx-environment.js */
/** The commands over models as a person uses them: from a key to a model that scores, and back. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openScorer } from '../../models';
import { openStore } from '../../models/registry/open-store';
import { newSigningKey, readSigningKey } from '../../models/signing';
import { publishTiny } from '../../models/testing/artifacts';
import { describeWithServers } from '../../streams/testing/describe';
import { startBucket } from '../../streams/testing/bucket';
import type { Io } from '../io';
import { modelsPlace } from '../models/registry';
import { parseSettings } from '../settings';
import { runCli } from '../testing/captured-io';
import { ModelShop } from './testing/model-shop';

const shop = ModelShop.open();
const { cwd, run, ok, json, refused, trained, twoVersions } = shop;

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
  const io = { env: shop.env, cwd } as Io;
  const place = modelsPlace(io, parseSettings(shop.env, null).values);
  const store = openStore(place.directory, place.s3);
  const more = { set: 'shop' };
  for (const name of ['engagement', 'churn', 'ltv'])
    await publishTiny({ store, set: 'shop', keys: place.keys, key: keys }, name, undefined, more);
  store.close();
  const doctor = async () => {
    const { stdout } = await runCli(['--json', 'doctor'], { cwd, env: shop.env, openScorer });
    return (JSON.parse(stdout) as { check: string; state: string; found: string }[]).find(
      ({ check }) => check === 'models',
    )!;
  };
  expect(await doctor()).toMatchObject({ state: 'ok', found: expect.stringContaining('ltv 2026') as string });
  shop.env['RESCORE_MODELS_TRUSTED_KEYS'] = newSigningKey().publicKey;
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
      fairness: {
        ageBand: { selectionRatio: 0.5, equalizedOddsDifference: 0.3, calibrationError: 0.2, groups: {} },
      },
      proxies: {},
    });
    await ok('models', 'sign', 'bad', '--key', 'key.pem');
    const reasons = [
      '3 rows with the label, at least 50 are needed',
      'churned alone has an AUC of 1, at most 0.98 is no leak',
      'ageBand: the least selected group over the most selected is 0.5, at least 0.8 is fair',
      'ageBand: the equalized odds difference is 0.3, at most 0.1 is fair',
      'ageBand: the calibration error of the worst group is 0.2, it must lie below 0.05',
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
    shop.env['RESCORE_GATE_CUSTOMERS'] = '1000';
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

test('the current version once more, for processors that took it back: judged as when it came, and before it is what was', async () => {
  const [first, second] = await twoVersions();
  expect(await refused('models', 'promote', 'churn', second)).toContain('with --again');
  expect(await refused('models', 'promote', 'churn', first, '--again')).toContain(`which is ${second}`);
  const { pointer, seconds } = await json<{ pointer: object; seconds: number }>(
    'models',
    'promote',
    'churn',
    second,
    '--again',
  );
  expect(seconds).toBeGreaterThan(0);
  expect(pointer).toMatchObject({ version: second, sequence: 3, previous: first });
});

test('a shadow that is promoted is none any more, also when the next one comes', async () => {
  const [first] = await twoVersions();
  const shadow = () =>
    JSON.parse(
      readFileSync(join(cwd, shop.env['RESCORE_MODELS_DIRECTORY']!, 'churn', 'shadow.json'), 'utf8'),
    ) as { version: string | null };
  await ok('models', 'shadow', 'churn', first);
  expect(shadow().version).toBe(first);
  await ok('models', 'promote', 'churn', first, '--force', '--reason', 'a drill');
  expect(shadow().version).toBeNull();
});

test('a folder of another model, or with nothing to stand beside, is refused before anything is uploaded', async () => {
  trained('alone', 0.5, null);
  await ok('models', 'sign', 'alone', '--key', 'key.pem');
  for (const command of ['verify', 'upload', 'shadow', 'promote'])
    expect(await refused('models', command, 'ltv', '--from', 'alone')).toContain(
      'alone holds the model churn, not ltv',
    );
  expect(await refused('models', 'shadow', 'churn', '--from', 'alone')).toContain('model-unknown');
  expect(await json('models', 'list')).toEqual([]);
  await ok('models', 'promote', 'churn', '--from', 'alone');
  expect(await refused('models', 'shadow', 'churn', '--from', 'alone')).toContain('is the current version');
});

test('a damaged pointer: the list is whole, says so, and its remedy works', async () => {
  const [first, second] = await twoVersions();
  const pointer = join(cwd, shop.env['RESCORE_MODELS_DIRECTORY']!, 'churn', 'current.json');
  writeFileSync(pointer, '{"name":');
  const { code, stdout, stderr } = await run('models', 'list');
  expect([code, stderr]).toEqual([1, expect.stringContaining('pointer-malformed: churn/current.json')]);
  expect(stdout).toContain(first);
  expect(await refused('models', 'promote', 'churn', second)).toContain('move it away');
  rmSync(pointer);
  await ok('models', 'promote', 'churn', second);
  expect((await json<{ pointer: { version: string } }>('models', 'show', 'churn')).pointer.version).toBe(
    second,
  );
});

test('verify: a damaged version has its code and its remedy, and the exit code is 1', async () => {
  const [first] = await twoVersions();
  writeFileSync(
    join(cwd, shop.env['RESCORE_MODELS_DIRECTORY']!, 'churn', first, 'card.md'),
    '# Another card\n',
  );
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
  ['neither, to shadow', ['shadow', 'churn'], 2, 'Name a version of the registry, `off`, or a folder'],
  ['neither, to compare', ['diff', 'churn'], 2, 'Name a version of the registry, or a folder with --from'],
  ['both, to compare', ['diff', 'churn', 'a', 'b', '--from', 'c'], 2, 'name one other at most'],
  [
    'all, and a folder',
    ['verify', '--all', '--from', 'c'],
    2,
    '--all, or a folder with --from (one of them)',
  ],
  ['nothing to bring', ['upload', 'churn'], 2, "required option '--from <folder>'"],
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
    Object.assign(shop.env, {
      RESCORE_MODELS_DIRECTORY: `s3://${bucket.name}/shop`,
      RESCORE_MODELS_S3_ENDPOINT: bucket.access.endpoint,
    });
    await lifeOfAModel();
  }, 60_000);

  test('models of a set of our own score, and only by a key that is trusted for it', async () => {
    Object.assign(shop.env, {
      RESCORE_MODELS_DIRECTORY: `s3://${bucket.name}/ours`,
      RESCORE_MODELS_S3_ENDPOINT: bucket.access.endpoint,
    });
    await scores();
  }, 60_000);
});
