/**
 * Models that must not score are promoted under traffic, and one that may, while a member joins and leaves: `rescore run`
 * as it is installed, over a registry in a folder.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CustomerId, EngagementScore } from '../../schemas';
import { seenPointer } from '../../models/registry/registry';
import { writePointer } from '../../models/registry/pointer';
import { rollBack } from '../../models/registry/publish';
import { presentFiles, seal } from '../../models/registry/sealed';
import { sha256Hex } from '../../models/layout';
import {
  DECISION,
  accept,
  draftOf,
  emptyRegistry,
  filesOf,
  goldenOf,
  publishTiny,
  tinyModel,
} from '../../models/testing/artifacts';
import type { TestRegistry } from '../../models/testing/artifacts';
import { overflowingAbove, tinyAnswer } from '../../models/testing/tiny-onnx';
import type { TinyModel } from '../../models/testing/tiny-onnx';
import { createAvroCodec } from '../avro/codec';
import { packageRoot } from '../package-root';
import { describeWithServers, withServers } from '../testing/describe';
import type { Processor } from './fleet';
import { readAll } from './read-all';
import { Scenario, pause } from './scenario';

const codec = createAvroCodec();
const RESCORE = [join(packageRoot(), 'dist', 'cli', 'main.js'), 'run'];
const PATIENCE_MS = 60_000;
const TOLERANCE = 1e-6;

const GOOD = tinyModel(true);
const BETTER = tinyModel(true, { base: 0.6 });
const OTHERS = tinyModel(true, { base: 0.4 });
/** `active_days_last_7_days` is a number for everybody who is scored, so that no row has an answer. */
const NO_NUMBER = tinyModel(true, {
  stumps: [...GOOD.stumps, ...overflowingAbove(4, -1e30)],
  overflowIsNaN: true,
});
const NO_LEAF = tinyModel(true, {
  stumps: [...GOOD.stumps, { feature: 4, threshold: 1e30, below: 0, above: NaN }],
});

/** Golden vectors that have an answer, as many as are asked for: what a careless trainer would sign. */
const careless = (model: TinyModel): Buffer =>
  Buffer.from(goldenOf(model, 600).replace(/^.*"y":null\}\n/gm, ''));

/** What is promoted by hand, past every check: signed like the others, and what the log and /metrics say of it. */
const BAD: readonly { what: string; model: TinyModel; isDamaged: boolean; counted: string }[] = [
  {
    what: 'damaged',
    model: OTHERS,
    isDamaged: true,
    counted: 'rescore_model_refusals_total{code="file-digest-mismatch"}',
  },
  {
    what: 'of another width',
    model: { ...GOOD, width: 7 },
    isDamaged: false,
    counted: 'rescore_model_refusals_total{code="shape-mismatch"}',
  },
  {
    what: 'with a leaf that is no number',
    model: NO_LEAF,
    isDamaged: false,
    counted: 'rescore_model_refusals_total{code="onnx-not-finite"}',
  },
  {
    what: 'without a number',
    model: NO_NUMBER,
    isDamaged: false,
    counted: 'rescore_model_rollbacks_total{reason="output"}',
  },
];

/** Puts a version into the folder and moves the pointer, as a copy by hand would: nobody looks at it. */
async function promoteByHand(
  registry: TestRegistry,
  { model, isDamaged }: (typeof BAD)[number],
): Promise<string> {
  const files = { ...filesOf(model), 'golden.jsonl': careless({ ...model, width: GOOD.width }) };
  const { manifest, signature, version } = seal(draftOf('churn', files['model.onnx']), files, registry.key);
  const folder = join(registry.directory, 'churn', version);
  mkdirSync(folder);
  writeFileSync(join(folder, 'manifest.json'), manifest);
  writeFileSync(join(folder, 'manifest.sig'), signature);
  for (const [file, bytes] of presentFiles(files)) writeFileSync(join(folder, file), bytes);
  if (isDamaged) writeFileSync(join(folder, 'model.onnx'), Buffer.from(files['model.onnx']).fill(0, 40, 41));
  const { pointer } = (await seenPointer(registry, 'churn'))!;
  const { sequence, version: previous } = pointer;
  const next = { ...pointer, version, previous, sequence: sequence + 1, manifestSha256: sha256Hex(manifest) };
  const current = join(registry.directory, 'churn', 'current.json');
  writeFileSync(`${current}.new`, writePointer(next));
  renameSync(`${current}.new`, current);
  return version;
}

/** Waits until /metrics of a process has this, above 0. */
async function counts(processor: Processor, sample: string): Promise<void> {
  for (let left = PATIENCE_MS; left > 0; left -= 200) {
    const text = await processor.ask('/metrics');
    if (text.split('\n').some(line => line.startsWith(`${sample} `) && !line.endsWith(' 0'))) return;
    await pause(200);
  }
  throw new Error(`${processor.name} never counted ${sample}: ${processor.complaints}`);
}

async function works(...processors: readonly Processor[]): Promise<void> {
  for (const processor of processors) processor.start();
  for (const processor of processors)
    if (!(await processor.hears('Watch:', PATIENCE_MS))) throw new Error(processor.complaints);
}

/** What the versions that may score answer to the vector that a score carries. */
function checkAnswers(scores: readonly EngagementScore[], models: ReadonlyMap<string, TinyModel>): void {
  for (const { customerId, vector, models: named, engagement, churn30d } of scores) {
    const values = Float32Array.from(vector!, value => value ?? NaN);
    const answerOf = (name: string): number => {
      const { version } = named.find(one => one.name === name)!;
      const model = models.get(version);
      if (model === undefined) throw new Error(`${customerId} was scored by ${name}/${version}.`);
      return tinyAnswer(model, values);
    };
    expect(Math.abs(churn30d - answerOf('churn'))).toBeLessThan(TOLERANCE);
    expect(Math.abs(engagement - answerOf('engagement'))).toBeLessThan(TOLERANCE);
  }
}

async function scoresOf(scenario: Scenario): Promise<EngagementScore[]> {
  const read = await readAll(scenario.kafka, [`${scenario.prefix}engagement-scores`]);
  return read.map(({ value }) => codec.decodeOutput('engagement-scores', value!));
}

describeWithServers('models that change under traffic', () => {
  const servers = withServers();
  const directory = mkdtempSync(join(tmpdir(), 'rescore-promoted-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('what may not score is refused or rolled back and counted, what may scores, and nothing is violated', async () => {
    const registry = emptyRegistry(join(directory, 'models'));
    const versions: string[] = [];
    for (const name of ['engagement', 'ltv', 'churn'])
      versions.push((await publishTiny(registry, name)).manifest.version);
    const verified = new Set(versions);
    const scenario = await Scenario.open({
      ...servers(),
      seed: 81,
      partitions: 3,
      rate: 250,
      scorer: { verified, answer: null },
      settings: {
        RESCORE_KAFKA_GROUP_PARTITIONS: '1',
        RESCORE_MODELS_DIRECTORY: registry.directory,
        RESCORE_MODELS_SET: registry.set,
        RESCORE_MODELS_TRUSTED_KEYS: registry.key.publicKey,
        RESCORE_MODELS_POLL_SECONDS: '0.3',
        RESCORE_MODELS_TRIAL_ROWS: '100',
        // How long a row takes beside other tests says nothing.
        RESCORE_MODELS_TRIAL_MICROS_PER_ROW: '1000000',
        RESCORE_PUBLISH_VECTOR_SHARE: '1',
      },
    });
    try {
      const [a, b, guest] = ['a', 'b', 'guest'].map(name => scenario.processor(name, {}, RESCORE));
      await works(a!, b!);
      scenario.beginTraffic();
      await scenario.sends(300);
      const refused: string[] = [];
      for (const bad of BAD) {
        refused.push(await promoteByHand(registry, bad));
        await works(guest!);
        for (const processor of [a!, b!]) await counts(processor, bad.counted);
        await scenario.sends(200);
        expect([bad.what, await guest!.end()]).toEqual([bad.what, 0]);
        await rollBack(registry, 'churn', accept, DECISION);
      }
      const better = (await publishTiny(registry, 'churn', BETTER)).manifest.version;
      verified.add(better);
      await works(guest!);
      for (const processor of [a!, b!])
        await counts(processor, `rescore_model_info{model="churn",version="${better}"}`);
      await scenario.sends(300);
      expect(await guest!.end()).toBe(0);
      await scenario.endTraffic();
      await scenario.rest();

      const scores = await scoresOf(scenario);
      const models = new Map([
        [versions.at(-1)!, GOOD],
        [better, BETTER],
      ]);
      for (const { models: named } of scores)
        for (const { version } of named) expect(refused).not.toContain(version);
      checkAnswers(scores, models);
      const last = new Map<CustomerId, EngagementScore>(scores.map(score => [score.customerId, score]));
      expect(
        [...last.values()].filter(({ models: named }) => named.some(one => one.version === better)).length,
      ).toBeGreaterThan(20);
      const { violations } = await scenario.verdict();
      expect({ violations, said: violations.length > 0 ? scenario.complaints() : '' }).toEqual({
        violations: [],
        said: '',
      });
    } finally {
      await scenario.close();
    }
  }, 240_000);
});
