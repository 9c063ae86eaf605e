/**
 * `make bench-swaps`: two thousand swaps of models while an embedded engine scores, between versions that answer everybody
 * alike, each otherwise. Answers what a swap may not do: keep memory, stall the process, lose or double a score, leave it
 * unsaid which model made it, or say another one. Ends with an error when it does.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from '../../cli/clock';
import { OpenState } from '../../cli/embedded';
import { startLive } from '../../cli/live/engine';
import type { LiveEngine } from '../../cli/live/engine';
import { openLiveModels } from '../../cli/models/live';
import type { LiveModels } from '../../cli/models/live';
import { processIo } from '../../cli/main';
import { parseSettings } from '../../cli/settings';
import { SECOND_MS } from '../../schemas';
import { PAGE_VIEW } from '../../streams/avro/samples';
import { openEmbedded } from '../../streams/embedded';
import { commitOf, compare, keepResult, machine, previousResult } from '../results';
import { NAMES, SET, VERSIONS, point, registryOf } from './registry';
import type { Place } from './registry';
import { checkScores } from './scores';
import { StallWatch, growth, residentMegabytes } from './watching';
import type { Memory } from './watching';

const ROOT = resolve(__dirname, existsSync(join(__dirname, '../../package.json')) ? '../..' : '../../..');
const SWAPS = Number(process.argv[2] ?? 2_000);
/** Many, so that no state grows while it runs: what is held in memory of customers is full at once. */
const CUSTOMERS = 100_000;
const EVENTS_PER_SECOND = 1_000;
const EVERY_MS = 20;
const PARTITIONS = 2;
const QUIET_MS = 20 * SECOND_MS;
/** Swaps between two looks at memory; a pause lets the trials end. */
const ROUND = 25;
const PAUSE_MS = 2 * SECOND_MS;

/** Appends page views of everybody in turn, until told to stop. Answers with their number. */
async function load(state: OpenState, signal: AbortSignal): Promise<number> {
  const { log } = state.embedded;
  let sent = 0;
  const startedAt = performance.now();
  while (!signal.aborted) {
    const due = Math.floor(((performance.now() - startedAt) * EVENTS_PER_SECOND) / SECOND_MS);
    const recordAt = systemClock.now();
    for (; sent < due; sent++) {
      const userId = `kim-${sent % CUSTOMERS}`;
      const event = { ...PAGE_VIEW, userId, messageId: `m${sent}`, timestamp: recordAt };
      const value = state.codec.encodeInput('web-events', event);
      await log.append('web-events', log.partitionOf(userId), [{ key: userId, recordAt, value }]);
    }
    await systemClock.sleep(EVERY_MS, signal);
  }
  return sent;
}

async function swapAll(place: Place, models: LiveModels, memory: Memory[]): Promise<number[]> {
  const took: number[] = [];
  for (let swap = 1; swap <= SWAPS; swap++) {
    const name = NAMES[swap % NAMES.length]!;
    const versions = [...place.versions[name].keys()];
    await point(place, name, versions[Math.floor(swap / NAMES.length + 1) % VERSIONS]!);
    const startedAt = performance.now();
    await models.look();
    took.push(performance.now() - startedAt);
    await systemClock.sleep(EVERY_MS);
    if (swap % ROUND !== 0) continue;
    await systemClock.sleep(PAUSE_MS);
    (globalThis as { gc?: () => void }).gc?.();
    memory.push({ swaps: swap, megabytes: residentMegabytes() });
    process.stdout.write(`${swap} swaps, ${memory.at(-1)!.megabytes.toFixed(1)} MB\n`);
  }
  return took.sort((a, b) => a - b);
}

interface Measured {
  figures: Record<string, number>;
  memory: Memory[];
}

const settingsOf = (place: Place) =>
  parseSettings(
    {
      RESCORE_MODELS_DIRECTORY: place.directory,
      RESCORE_MODELS_SET: SET,
      RESCORE_MODELS_TRUSTED_KEYS: place.publicKey,
      RESCORE_MODELS_TRIAL_ROWS: '400',
      // Versions differ on purpose; they have no order to compare, as everybody gets the same.
      RESCORE_MODELS_TRIAL_DIFFERENCE: '1000',
      // What else runs on the machine is no fault of a model here.
      RESCORE_MODELS_TRIAL_MICROS_PER_ROW: '1000000',
      RESCORE_MODELS_POLL_SECONDS: '0',
      RESCORE_MODELS_RESCORE_PER_SECOND: '0',
      // Every evaluation is published, so that a lost one is seen.
      RESCORE_PUBLISH_ENGAGEMENT_DELTA: '0',
    },
    null,
  ).values;

async function measure(directory: string): Promise<Measured> {
  const place = await registryOf(join(directory, 'models'));
  const settings = settingsOf(place);
  const notes = new Map<string, number>();
  const onNote = (line: string): void => {
    const kind = /rolled back|may not|passed its trial|could not/.exec(line)?.[0] ?? 'swapped';
    if (kind !== 'swapped' && kind !== 'passed its trial') process.stdout.write(`${line}\n`);
    notes.set(kind, (notes.get(kind) ?? 0) + 1);
  };
  const models = await openLiveModels(processIo(), settings, 'bench', onNote);
  const state = new OpenState(openEmbedded({ directory: join(directory, 'state'), partitions: PARTITIONS }));
  const [stop, ended] = [new AbortController(), new AbortController()];
  const engine = startLive(settings, state, models.scorer, systemClock, stop);
  const loading = load(state, ended.signal);
  const stalls = new StallWatch();
  await systemClock.sleep(QUIET_MS / 2);
  stalls.take();
  await systemClock.sleep(QUIET_MS);
  const quiet = stalls.take();
  const memory: Memory[] = [];
  const startedAt = performance.now();
  const took = await swapAll(place, models, memory);
  const swapping = stalls.take();
  const seconds = (performance.now() - startedAt) / SECOND_MS;
  stalls.stop();
  ended.abort();
  const sent = await loading;
  await drained(engine);
  stop.abort();
  await engine.done;
  const tally = checkScores(state, place);
  const { evaluations } = engine.metrics();
  const { swaps, rollbacks } = models.metrics!();
  await state.close();
  await models.close();
  const { slope, error } = growth(memory);
  const figures = {
    swaps,
    seconds,
    'events.sent': sent,
    'scores.evaluated': evaluations,
    'scores.published': tally.scores,
    'scores.lost': tally.lost + Math.max(0, evaluations - tally.scores),
    'scores.doubled': tally.doubled,
    'scores.unattributed': tally.unattributed,
    'scores.misattributed': tally.misattributed,
    'scores.setsOfModels': tally.sets,
    'swap.proven': notes.get('passed its trial') ?? 0,
    'swap.rolledBack': Object.values(rollbacks).reduce((sum, count) => sum + count, 0),
    'swap.millis': took[took.length >> 1]!,
    'swap.millisMost': took.at(-1)!,
    'memory.firstMegabytes': memory[0]!.megabytes,
    'memory.lastMegabytes': memory.at(-1)!.megabytes,
    'memory.mostMegabytes': Math.max(...memory.map(({ megabytes }) => megabytes)),
    'memory.megabytesPer1000Swaps': slope,
    'memory.megabytesPer1000SwapsError': error,
    'stall.p99Millis': swapping.p99,
    'stall.p999Millis': swapping.p999,
    'stall.mostMillis': swapping.most,
    'stallWithoutSwaps.p99Millis': quiet.p99,
    'stallWithoutSwaps.p999Millis': quiet.p999,
    'stallWithoutSwaps.mostMillis': quiet.most,
  };
  return { figures, memory };
}

async function drained(engine: LiveEngine): Promise<void> {
  while (engine.pending() > 0) await systemClock.sleep(EVERY_MS);
}

/** What swaps may not do. */
const BROKEN: [string, (figures: Record<string, number>) => boolean][] = [
  ['there was no load', one => one['scores.published']! < SWAPS],
  ['not every swap happened', one => one['swaps']! < SWAPS],
  ['scores were lost', one => one['scores.lost'] !== 0],
  ['scores were doubled', one => one['scores.doubled'] !== 0],
  ['scores do not say their models', one => one['scores.unattributed'] !== 0],
  ['scores name models that did not make them', one => one['scores.misattributed'] !== 0],
  // Not known is not good: a line needs more than two looks.
  [
    'memory grows by more than 10 MB in 1,000 swaps, or too few were made to tell',
    one => !(one['memory.megabytesPer1000Swaps']! <= 10),
  ],
  ['the process stalls for more than 50 ms (p99.9)', one => one['stall.p999Millis']! > 50],
];

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'rescore-swaps-'));
  try {
    const { figures, memory } = await measure(directory);
    const commit = commitOf(ROOT);
    const results = join(ROOT, 'bench', 'results', 'swaps');
    const measuredAt = new Date(systemClock.now()).toISOString();
    const result = { commit, measuredAt, ...machine(), figures, memory };
    process.stdout.write(compare(result, previousResult(results, commit)));
    process.stdout.write(`Kept in ${keepResult(results, result)}\n`);
    const broken = BROKEN.filter(([, isBroken]) => isBroken(figures)).map(([what]) => what);
    if (broken.length > 0) throw new Error(broken.join('; '));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

void main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exitCode = 1;
});
