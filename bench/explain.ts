/**
 * `make bench-explain`: what reasons cost. Vectors are those that a lane asked the shipped models about while it
 * replayed a synthetic world; hard ones are the golden vectors (holes, exact thresholds, extremes). Each figure is the
 * median of many short turns taken in rotation, so that the load of the machine falls on all of them alike: compare
 * ratios of one run. The lane is then run with reasons and without.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from '../cli/clock';
import { BASELINE_KEYS, BASELINE_SET, baselineDirectory, baselineScorer, loadArtifact } from '../models';
import { LARGEST, reasonsOf } from '../models/explain/reasons';
import { TreeShap } from '../models/explain/tree-shap';
import { marginOf } from '../models/explain/trees';
import { DEFAULT_RULES, DEFAULT_SETTINGS, VECTOR_WIDTH } from '../processors/core';
import type { Scorer } from '../processors/ports';
import { Lane } from '../processors/runner';
import type { HistoryRecord } from '../processors/runner';
import { DEFAULT_WORLD, worldRecords } from '../processors/sim/world';
import type { InputTopic } from '../schemas';
import { createAvroCodec } from '../streams/avro/codec';
import { EmbeddedHistory, openEmbedded } from '../streams/embedded';
import { commitOf, compare, keepResult, machine, previousResult } from './results';

const ROOT = resolve(__dirname, existsSync(join(__dirname, '../package.json')) ? '..' : '../..');
const ROWS = 4_096;
const TURN = 128;
const TURNS = 400;

type Figures = Record<string, number>;
const codec = createAvroCodec();

function world(customers: number, days: number): HistoryRecord[] {
  const records: HistoryRecord[] = [];
  for (const { topic, customerId, recordAt, value } of worldRecords({ ...DEFAULT_WORLD, customers, days }))
    records.push({
      topic,
      key: customerId,
      recordAt,
      value: codec.encodeInput<InputTopic>(topic, value),
    });
  return records;
}

interface LaneRun {
  cpuMicros: number;
  published: number;
  /** Of a published score, mean. */
  scoreBytes: number;
}

async function runLane(records: readonly HistoryRecord[], scorer: Scorer): Promise<LaneRun> {
  const directory = mkdtempSync(join(tmpdir(), 'rescore-bench-'));
  const embedded = openEmbedded({ directory, partitions: 1 });
  const { log, store, output } = embedded;
  const ports = { log, store, publisher: store, scorer, codec };
  const lane = new Lane({ partition: 0, ports, core: DEFAULT_SETTINGS, rules: DEFAULT_RULES });
  try {
    await lane.start();
    const history = new EmbeddedHistory(embedded.environment, log, 'explain');
    for (let at = 0; at < records.length; at += 20_000)
      await history.appendSlice(records.slice(at, at + 20_000), at);
    const before = process.cpuUsage();
    await lane.drain();
    const { user, system } = process.cpuUsage(before);
    const sizes = output
      .read(0, 20_000)
      .flatMap(({ topic, value }) => (topic === 'engagement-scores' && value ? [value.length] : []));
    const published = Object.values(lane.metrics.published).reduce((sum, count) => sum + count);
    return {
      cpuMicros: user + system,
      published,
      scoreBytes: sizes.reduce((sum, size) => sum + size, 0) / Math.max(1, sizes.length),
    };
  } finally {
    await embedded.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Up to `ROWS` vectors, every seventh of those that were scored. */
class Recording implements Scorer {
  readonly vectors = new Float32Array(ROWS * VECTOR_WIDTH);
  private seen = 0;
  rows = 0;

  constructor(private readonly scorer: Scorer) {}

  get constants(): Scorer['constants'] {
    return this.scorer.constants;
  }

  score(vectors: Float32Array, rows: number): ReturnType<Scorer['score']> {
    for (let row = 0; row < rows && this.rows < ROWS; row++)
      if (this.seen++ % 7 === 0) {
        const vector = vectors.subarray(row * VECTOR_WIDTH, (row + 1) * VECTOR_WIDTH);
        this.vectors.set(vector, this.rows++ * VECTOR_WIDTH);
      }
    return this.scorer.score(vectors, rows);
  }
}

/** Microseconds a vector of each kind of work, the kinds in rotation. */
async function microsOf(work: Record<string, (row: number) => unknown>): Promise<Figures> {
  const taken = Object.fromEntries(Object.keys(work).map(name => [name, [] as number[]]));
  for (let turn = 0; turn < TURNS; turn++)
    for (const [name, once] of Object.entries(work)) {
      const started = performance.now();
      for (let row = 0; row < TURN; row++) await once(turn * TURN + row);
      taken[name]!.push(((performance.now() - started) * 1_000) / TURN);
    }
  return Object.fromEntries(
    Object.entries(taken).flatMap(([name, micros]) => {
      const sorted = micros.slice(TURNS / 4).sort((a, b) => a - b);
      const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))]!;
      return [
        [`${name}.micros`, at(0.5)],
        [`${name}.microsLeast`, at(0)],
      ];
    }),
  );
}

async function measureModels(scorer: Scorer, { vectors, rows }: Recording): Promise<Figures> {
  const place = { directory: baselineDirectory(), set: BASELINE_SET, keys: BASELINE_KEYS };
  const artifacts = [];
  for (const { name } of scorer.constants.models) artifacts.push(await loadArtifact(place, name));
  const started = process.cpuUsage();
  const shaps = artifacts.flatMap(({ trees }) => (trees === null ? [] : [new TreeShap(trees)]));
  const { user, system } = process.cpuUsage(started);
  const hard = artifacts[0]!.golden;
  const out = new Float64Array(VECTOR_WIDTH);
  const at = (row: number): number => (row % rows) * VECTOR_WIDTH;
  const hardAt = (row: number): number => (row % hard.rows) * VECTOR_WIDTH;
  const batch = vectors.subarray(0, Math.min(rows, 1_000) * VECTOR_WIDTH);
  const figures = await microsOf({
    contributions: row => shaps.forEach(shap => shap.explain(vectors, at(row), out)),
    contributionsHard: row => shaps.forEach(shap => shap.explain(hard.inputs, hardAt(row), out)),
    reasons: row => shaps.map(shap => reasonsOf(shap, vectors, at(row), LARGEST)),
    walk: row => shaps.map(shap => marginOf(shap.model, vectors, at(row))),
    // A batch a turn, spread over its rows.
    inference: row => (row % TURN === 0 ? scorer.score(batch, TURN) : null),
  });
  return {
    trees: shaps.reduce((sum, { model }) => sum + model.trees.length, 0),
    vectors: rows,
    loadCpuMillis: (user + system) / 1_000,
    ...figures,
    'reasons.perInference': figures['reasons.micros']! / figures['inference.micros']!,
    'contributions.hardPerOrdinary': figures['contributionsHard.micros']! / figures['contributions.micros']!,
  };
}

async function measureLane(scorer: Scorer, records: readonly HistoryRecord[]): Promise<Figures> {
  const silent: Scorer = {
    constants: scorer.constants,
    score: (vectors, rows) => scorer.score(vectors, rows),
  };
  const runs = { with: [] as LaneRun[], without: [] as LaneRun[] };
  for (let round = 0; round < 3; round++) {
    runs.without.push(await runLane(records, silent));
    runs.with.push(await runLane(records, scorer));
  }
  const least = (of: readonly LaneRun[]): number => Math.min(...of.map(({ cpuMicros }) => cpuMicros));
  const [first] = runs.with;
  return {
    'lane.events': records.length,
    'lane.published': first!.published,
    'lane.cpuMicrosPerEvent': least(runs.with) / records.length,
    'lane.cpuMicrosPerEventWithout': least(runs.without) / records.length,
    'lane.ratio': least(runs.with) / least(runs.without),
    'lane.microsPerPublished': (least(runs.with) - least(runs.without)) / first!.published,
    'score.bytes': first!.scoreBytes,
    'score.bytesWithout': runs.without[0]!.scoreBytes,
  };
}

async function main(): Promise<void> {
  const scorer = await baselineScorer();
  const records = world(1_500, 30);
  const recording = new Recording(scorer);
  await runLane(records, recording);
  process.stdout.write(`${recording.rows} vectors of ${records.length} events.\n`);
  const figures = { ...(await measureModels(scorer, recording)), ...(await measureLane(scorer, records)) };
  await scorer.release();
  const commit = commitOf(ROOT);
  const directory = join(ROOT, 'bench', 'results', 'explain');
  const result = { commit, measuredAt: new Date(systemClock.now()).toISOString(), ...machine(), figures };
  process.stdout.write(compare(result, previousResult(directory, commit)));
  process.stdout.write(`Kept in ${keepResult(directory, result)}\n`);
}

void main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exitCode = 1;
});
