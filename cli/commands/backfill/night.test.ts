/** @jest-environment ./models/testing/onnx-environment.js */
/**
 * A whole night from the command line: files in, signed models out, the report; a second run finds all of it done. Then
 * what a person does with what a trainer left: from a folder that nobody has signed to a model that scores, and back.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trainerDirectory } from '../../../backfill/baseline/trainer';
import { sha256 } from '../../../backfill/pipeline/files';
import { openRegistrySource, openScorer } from '../../../models';
import { VECTOR_WIDTH } from '../../../processors/core';
import { systemClock } from '../../clock';
import { runCli } from '../../testing/captured-io';

const MINUTE = 60_000;
const MODELS = ['churn', 'engagement', 'ltv'];
/** What a night leaves, besides the folders of its items and models. */
const LEFT = [
  'plan.json',
  'dataset.json',
  'gate.json',
  'publish.json',
  'drift.json',
  'report.html',
  'report.pdf',
];
const isInstalled = existsSync(join(trainerDirectory(), '.venv', 'bin', 'python'));
if (!isInstalled) process.stderr.write('Skipped: a whole night; `make trainer` installs what it needs.\n');

const cwd = mkdtempSync(join(tmpdir(), 'rescore-night-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** A small world is enough to see every step; it is not enough to be good. */
const env = (publicKey: string): Record<string, string> => ({
  RESCORE_MODELS_SET: 'shop',
  RESCORE_MODELS_DIRECTORY: 'registry',
  RESCORE_MODELS_SIGNING_KEY_FILE: 'key.pem',
  RESCORE_MODELS_TRUSTED_KEYS: publicKey,
  RESCORE_GATE_CUSTOMERS: '100',
  RESCORE_GATE_CALIBRATION_ERROR: '1',
  RESCORE_GATE_SELECTION_RATIO: '0',
  RESCORE_GATE_MICROS_PER_ROW: '10000',
  RESCORE_GATE_TOLERANCE: '1',
});

const run = (settings: Record<string, string>, ...argv: string[]) =>
  runCli(argv, { cwd, env: { USER: 'kim', ...settings } });

async function ok(settings: Record<string, string>, ...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(settings, ...argv);
  expect({ argv, code, stderr: code === 0 ? '' : stderr }).toEqual({ argv, code: 0, stderr: '' });
  return stdout;
}

const read = <T>(...names: string[]): T => JSON.parse(readFileSync(join(cwd, ...names), 'utf8')) as T;
const digests = (): string[] => LEFT.map(name => `${name} ${sha256(readFileSync(join(cwd, 'night', name)))}`);
const currentOf = (name: string, registry = 'registry') =>
  read<{ version: string; sequence: number }>(registry, name, 'current.json');

const NIGHT = ['--json', 'backfill', 'run', 'world.jsonl', '--format', 'segment', '--run', 'night'];
let publicKey: string;
let settings: Record<string, string>;

/** Another candidate of one model, of another seed, judged against the one that scores now. */
async function trainedAnew(folder: string, model: string): Promise<string> {
  cpSync(join(cwd, 'night'), join(cwd, folder), { recursive: true });
  const inRun = ['--run', folder, '--again'];
  await ok(settings, 'backfill', 'train', ...inRun, '--models', model, '--seed', '2');
  await ok(settings, 'backfill', 'gate', ...inRun);
  const { models } = read<{ models: { version: string; decision: string }[] }>(folder, 'gate.json');
  expect(models.map(({ decision }) => decision)).toEqual(['promote']);
  expect(models[0]!.version).not.toBe(currentOf(model).version);
  return models[0]!.version;
}

/** A processor over the registry, as `rescore run --embedded` starts it; `until` waits for its metrics. */
async function processor() {
  const stop = new AbortController();
  let listening = (_url: string): void => undefined;
  const url = new Promise<string>(resolve => (listening = resolve));
  const ended = runCli(['--json', 'run', '--embedded', '--state', 'state', '--port', '0'], {
    cwd,
    env: { ...settings, RESCORE_MODELS_POLL_SECONDS: '0.1' },
    signal: stop.signal,
    openModelSource: openRegistrySource,
    onStdout: text => listening((JSON.parse(text) as { url: string }).url),
  });
  const at = await url;
  let sent = 0;
  const visit = async (): Promise<void> => {
    const event = { userId: `kim-${sent++ % 7}`, type: 'page', name: '/' };
    const headers = { 'content-type': 'application/json' };
    const { status } = await fetch(`${at}/v1/page`, { method: 'POST', headers, body: JSON.stringify(event) });
    expect(status).toBe(200);
  };
  return {
    /** Visitors come until a line of /metrics begins so; answers with its value. */
    until: async (line: string): Promise<number> => {
      for (let attempt = 0; attempt < 300; attempt++) {
        await visit();
        const metrics = await (await fetch(`${at}/metrics`)).text();
        const found = metrics.split('\n').find(one => one.startsWith(line));
        if (found !== undefined && Number(found.split(' ').at(-1)) > 0)
          return Number(found.split(' ').at(-1));
        await systemClock.sleep(50);
      }
      throw new Error(`${line} did not come`);
    },
    stop: async () => {
      stop.abort();
      const { code, stderr } = await ended;
      return { code, stderr };
    },
  };
}

(isInstalled ? describe : describe.skip)('a night', () => {
  beforeAll(async () => {
    const world = await ok({}, 'world', '--customers', '260', '--days', '400', '--seed', '3');
    writeFileSync(join(cwd, 'world.jsonl'), world);
    ({ publicKey } = JSON.parse(await ok({}, '--json', 'models', 'keygen', 'key.pem')) as {
      publicKey: string;
    });
    settings = env(publicKey);
    await ok(settings, ...NIGHT);
  }, 10 * MINUTE);

  test(
    'files become models that score, and the same command again changes nothing',
    async () => {
      const gate = read<{ models: { name: string; decision: string; seconds: number }[] }>(
        'night',
        'gate.json',
      );
      expect(gate.models.map(({ name, decision }) => `${name} ${decision}`).sort()).toEqual(
        MODELS.map(name => `${name} promote`),
      );
      for (const { seconds } of gate.models) expect(seconds).toBeGreaterThan(0);
      const scorer = await openScorer({
        directory: join(cwd, 'registry'),
        set: 'shop',
        keys: [{ publicKey, sets: ['shop'] }],
      });
      const answers = await scorer.score(new Float32Array(VECTOR_WIDTH).fill(NaN), 1);
      expect(Object.keys(answers).sort()).toEqual(MODELS);
      await scorer.release();

      for (const step of ['plan', 'replay/p00000', 'dataset', 'train', 'gate', 'publish', 'drift', 'report'])
        expect(read('night', 'steps', `${step}.json`)).toMatchObject({ failed: null });
      // Customers as they are now, no snapshots whose labels had to mature.
      const { range } = read<{ range: { endAt: number } }>('night', 'plan.json');
      expect(read('night', 'drift.json')).toMatchObject({ days: null, newestAt: range.endAt });
      const before = digests();
      const pointers = MODELS.map(name => currentOf(name));
      await ok(settings, ...NIGHT);
      // The report shows how long the steps took.
      const steady = (lines: readonly string[]) => lines.filter(line => !line.startsWith('report.'));
      expect(steady(digests())).toEqual(steady(before));
      expect(MODELS.map(name => currentOf(name))).toEqual(pointers);
    },
    10 * MINUTE,
  );

  test(
    'what the gate left is what was published; a candidate that is gone is made again, the same',
    async () => {
      for (const name of MODELS) {
        const { version } = currentOf(name);
        for (const file of ['manifest.json', 'model.onnx', 'golden.jsonl', 'card.md'])
          expect(readFileSync(join(cwd, 'night', 'candidates', name, file))).toEqual(
            readFileSync(join(cwd, 'registry', name, version, file)),
          );
        expect(existsSync(join(cwd, 'night', 'candidates', name, 'manifest.sig'))).toBe(false);
      }
      cpSync(join(cwd, 'night'), join(cwd, 'lost'), { recursive: true });
      rmSync(join(cwd, 'lost', 'candidates', 'churn'), { recursive: true });
      await ok(settings, 'backfill', 'gate', '--run', 'lost');
      expect(readFileSync(join(cwd, 'lost', 'candidates', 'churn', 'manifest.json'))).toEqual(
        readFileSync(join(cwd, 'night', 'candidates', 'churn', 'manifest.json')),
      );
    },
    MINUTE,
  );

  test(
    'a candidate by hand: compared, signed, uploaded, shadowing in a processor, promoted, and taken back',
    async () => {
      const first = currentOf('churn');
      const version = await trainedAnew('second', 'churn');
      const from = ['--from', 'second/candidates/churn'];
      expect(await ok(settings, 'models', 'diff', 'churn', ...from)).toMatch(/metrics\.auc\.value .*[+-]\d/);
      for (const command of [['verify'], ['upload', 'churn'], ['shadow', 'churn'], ['promote', 'churn']])
        expect((await run(settings, 'models', ...command, ...from)).stderr).toContain('model-unsigned');
      await ok(settings, 'models', 'sign', 'second/candidates/churn');
      await ok(settings, 'models', 'verify', ...from);
      await ok(settings, 'models', 'upload', 'churn', ...from);
      await ok(settings, 'models', 'verify', 'churn', version);
      expect(currentOf('churn')).toEqual(first);

      const { until, stop } = await processor();
      const scoring = (one: string): string => `rescore_model_info{model="churn",version="${one}"}`;
      await until(scoring(first.version));
      await ok(settings, 'models', 'shadow', 'churn', ...from);
      const shadow = `{model="churn",version="${version}"}`;
      await until(`rescore_shadow_rows_total${shadow}`);
      expect(await until(`rescore_shadow_difference_mean${shadow}`)).toBeLessThan(1);
      expect(currentOf('churn')).toEqual(first);
      await ok(settings, 'models', 'promote', 'churn', version);
      await until(scoring(version));
      await ok(settings, 'models', 'rollback', 'churn', '--reason', 'a drill');
      await until(scoring(first.version));
      const { code, stderr } = await stop();
      expect([code, stderr]).toEqual([0, expect.stringContaining(`churn/${version} answers beside`)]);
    },
    3 * MINUTE,
  );

  test(
    'models.publishAs shadow: a night stands beside what scores; where nothing scores it scores',
    async () => {
      const shadowing = { ...settings, RESCORE_MODELS_PUBLISH_AS: 'shadow' };
      const before = currentOf('engagement');
      const version = await trainedAnew('third', 'engagement');
      const publish = async (run: string, more: Record<string, string> = {}) =>
        JSON.parse(
          await ok({ ...shadowing, ...more }, '--json', 'backfill', 'publish', '--run', run, '--again'),
        ) as object;
      for (let time = 0; time < 2; time++) {
        expect(await publish('third')).toMatchObject({ promoted: 0, shadows: 1, refused: 0, failed: 0 });
        expect(currentOf('engagement')).toEqual(before);
        expect(read('registry', 'engagement', 'shadow.json')).toMatchObject({ version, sequence: 1 });
      }
      await ok(settings, 'models', 'promote', 'engagement', version);
      expect(currentOf('engagement')).toMatchObject({ version, previous: before.version });
      expect(read('registry', 'engagement', 'shadow.json')).toMatchObject({ version: null });
      await ok(settings, 'models', 'rollback', 'engagement', '--reason', 'a drill');
      const again = await run(shadowing, 'backfill', 'publish', '--run', 'third', '--again');
      expect([again.code, again.stdout]).toEqual([
        1,
        expect.stringContaining('it scored, and was taken back'),
      ]);

      const fresh = { RESCORE_MODELS_DIRECTORY: 'fresh' };
      expect(await publish('night', fresh)).toMatchObject({ promoted: 3, shadows: 0 });
      expect(currentOf('churn', 'fresh').sequence).toBe(1);
    },
    3 * MINUTE,
  );
});
