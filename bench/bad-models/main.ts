/**
 * `make bench-bad-models`: models that are wrong, each made of a real training, against whatever stands in their way: the
 * dataset step, the trainer, the gate, the publisher, and a live processor into whose registry they are put around all of
 * these. Says who refused each, why, and in which time. Ends with an error when one got through everything, and when the
 * one with which nothing is wrong did not.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { writeChampions } from '../../backfill/pipeline/champions';
import type { Candidate } from '../../backfill/pipeline/candidate';
import { judgeCandidate } from '../../backfill/pipeline/gate';
import { systemClock } from '../../cli/clock';
import { processIo } from '../../cli/main';
import { gateLimits, replayed } from '../../cli/models/registry';
import { coloursFor } from '../../cli/output/style';
import { renderTable } from '../../cli/output/table';
import { parseSettings } from '../../cli/settings';
import type { Settings } from '../../cli/settings';
import { ArtifactError } from '../../models';
import { DirectoryStore } from '../../models/registry/directory-store';
import { bringIn } from '../../models/registry/publish';
import type { StorePlace } from '../../models/registry/registry';
import { seal } from '../../models/registry/sealed';
import type { SealedVersion } from '../../models/registry/sealed';
import { newSigningKey } from '../../models/signing';
import { commitOf, keepResult, machine } from '../results';
import { GOOD, casesOf } from './cases';
import type { Case } from './cases';
import { TestProcessor } from './processor';
import type { Live } from './processor';
import { firstModels } from './registry';
import { MODEL, Trainings } from './trainings';
import type { Refusal } from './trainings';

const ROOT = resolve(__dirname, existsSync(join(__dirname, '../../package.json')) ? '../..' : '../../..');
const SET = 'bench';

interface Outcome {
  what: string;
  /** Of everybody who stands before the processor, in their order; the first one would have been enough. */
  before: Refusal[];
  /** Of the processor, into whose registry it was put around them; null: there is no model to put there. */
  live: Live | null;
}

interface Bed {
  place: StorePlace;
  settings: Settings;
  /** The model that scores. */
  champion: SealedVersion;
}

async function gate({ made }: { made: Candidate }, { champion, settings }: Bed): Promise<Refusal | null> {
  const limits = gateLimits(settings);
  const { cpuMicros } = processIo();
  const incumbent = { version: champion.version, incomparable: null };
  const { decision, reasons, seconds } = await judgeCandidate(made, incumbent, {
    ...{ limits, clock: systemClock, cpuMicros },
  });
  return decision === 'promote' ? null : { by: 'gate', reason: reasons.join('; '), seconds: seconds! };
}

/** Into a registry that nobody follows. */
async function publisher(sealed: SealedVersion, { place }: Bed, aside: string): Promise<Refusal | null> {
  const startedAt = performance.now();
  try {
    await bringIn({ ...place, store: new DirectoryStore(aside) }, sealed, replayed);
    return null;
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    return { by: 'publisher', reason: error.message, seconds: (performance.now() - startedAt) / 1_000 };
  }
}

async function refusalsBefore({ made, key }: Case, bed: Bed, aside: string): Promise<Refusal[]> {
  if (!('draft' in made)) return [made];
  const sealed = seal(made.draft, made.files, key);
  const refusals = [await gate({ made }, bed), await publisher(sealed, bed, aside)];
  return refusals.filter(one => one !== null);
}

async function measure(work: string): Promise<Outcome[]> {
  const key = newSigningKey();
  const keys = [{ publicKey: key.publicKey, sets: [SET] }];
  const directory = join(work, 'registry');
  const place = { store: new DirectoryStore(directory), set: SET, keys };
  const trainings = await Trainings.prepare(work, SET);
  const first = (await trainings.train('good', 1, null)) as Candidate;
  const champion = await firstModels(place, first, key);
  const champions = join(work, 'champions');
  await writeChampions(place, [MODEL], champions, line => process.stdout.write(`${line}\n`));
  const cases = await casesOf(trainings, champions, key);
  const settings = settingsOf(directory, key.publicKey);
  const bed = { place, settings, champion };
  const outcomes: Outcome[] = [];
  // Before the processor runs: the gate counts the CPU time of this process.
  for (const one of cases)
    outcomes.push({
      what: one.what,
      before: await refusalsBefore(one, bed, join(work, 'aside')),
      live: null,
    });
  const processor = await TestProcessor.start(work, settings);
  for (const [at, { made, key: signing }] of cases.entries())
    if ('draft' in made)
      outcomes[at]!.live = await processor.meet(place.store, seal(made.draft, made.files, signing), champion);
  await processor.close();
  return outcomes;
}

/** All limits are the defaults, but for one. */
const settingsOf = (directory: string, publicKey: string): Settings =>
  parseSettings(
    {
      RESCORE_MODELS_DIRECTORY: directory,
      RESCORE_MODELS_SET: SET,
      RESCORE_MODELS_TRUSTED_KEYS: publicKey,
      // Groups of the synthetic world are drawn by lot, and its hold-out is small: what differs between them is chance.
      RESCORE_GATE_SELECTION_RATIO: '0',
      // The bench looks itself, when it has put a version there.
      RESCORE_MODELS_POLL_SECONDS: '0',
      RESCORE_MODELS_RESCORE_PER_SECOND: '0',
    },
    null,
  ).values;

const cells = (refusal: Refusal | undefined): string[] =>
  refusal === undefined ? ['let through', '', ''] : [refusal.by, refusal.seconds.toFixed(2), refusal.reason];

function liveCells(live: Live | null): string[] {
  if (live === null) return ['no model to put there', '', ''];
  if (live.kind === 'refused') return cells(live);
  const seconds = live.seconds.toFixed(2);
  return live.kind === 'passed' ? ['passed its trial', seconds, ''] : ['its trial did not end', seconds, ''];
}

function tableOf(outcomes: readonly Outcome[]): string {
  const columns = [{ title: 'model' }, { title: '' }, { title: 's', right: true }, { title: 'why' }];
  const rows = outcomes.flatMap(({ what, before, live }) => [
    [what, ...cells(before[0])],
    ['', ...liveCells(live)],
  ]);
  return renderTable(columns, rows, coloursFor(process.stdout.isTTY === true, process.env));
}

/** What should not have been. */
const wrongs = (outcomes: readonly Outcome[]): string[] =>
  outcomes.flatMap(({ what, before, live }) => {
    const isRefused = before.length > 0 || live?.kind === 'refused';
    if (what === GOOD)
      return isRefused || live?.kind !== 'passed' ? [`${what}: and yet it did not pass`] : [];
    return isRefused ? [] : [`${what}: it got through`];
  });

async function main(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'rescore-bad-models-'));
  try {
    const models = await measure(work);
    const figures = Object.fromEntries(
      models.map(({ what, before, live }) => [`${what}: seconds`, (before[0] ?? live)?.seconds ?? 0]),
    );
    const measuredAt = new Date(systemClock.now()).toISOString();
    const result = { commit: commitOf(ROOT), measuredAt, ...machine(), figures, models };
    process.stdout.write(tableOf(models));
    const kept = keepResult(join(ROOT, 'bench', 'results', 'bad-models'), result);
    process.stdout.write(`Kept in ${kept}\n`);
    const wrong = wrongs(models);
    if (wrong.length > 0) throw new Error(wrong.join('; '));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

void main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exitCode = 1;
});
