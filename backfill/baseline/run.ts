/** One run: history → dataset → trainer → signed artifacts, verified as a loader would, then put in their place. */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BASELINE_KEYS, BASELINE_SET, openScorer } from '../../models';
import type { RegistryPlace } from '../../models/registry/registry';
import type { SigningKey } from '../../models/signing';
import type { EpochMs } from '../../schemas';
import { HistoryFold, LABEL_PLANS, summariseRows, writeParquet } from '../dataset';
import type { ArchiveRange, DatasetSummary, HistoryRecord, Truth } from '../dataset';
import { LAYOUT_FINGERPRINT } from '../../models/layout';
import { readJson, writeJson } from '../pipeline/files';
import { codeCommit } from './code-commit';
import { publishModel } from './publish';
import { runTrainer } from '../pipeline/trainer-process';

export interface BaselineRun {
  /** In the order of their record timestamps. */
  history: Iterable<HistoryRecord>;
  truth: Truth;
  range: ArchiveRange;
  /** Of the history, in words, for the manifest. */
  source: string;
  seed: number;
  key: SigningKey;
  /** Scratch folder: dataset, trainer's files, registry of candidates. */
  work: string;
  /** Registry that the verified artifacts replace. */
  out: string;
  say(line: string): void;
}

/** On every card; the program's own test looks for it. */
const NOTICE = "For demonstration. Fitted on a synthetic world, not on anybody's customers.";

const SHOWN_EVERY = 1_000_000;

const day = (at: EpochMs): string => new Date(at).toISOString().slice(0, 10);

/** Throws before `out` is touched when anything is wrong: a leak, a key that is not trusted, a golden mismatch. */
export async function runBaseline(run: BaselineRun): Promise<void> {
  const { range, work, say } = run;
  if (!BASELINE_KEYS.some(({ publicKey }) => publicKey === run.key.publicKey))
    throw new Error(
      `The key ${run.key.publicKey} is not trusted for ${BASELINE_SET}. Sign with the right one, or put this public half into models/baseline/trusted-keys.json.`,
    );
  const dataset = join(work, 'dataset.parquet');
  const sides = await datasetOf(run, dataset);
  for (const [model, { training, validation }] of Object.entries(sides))
    say(
      `${model}: ${training.rows} rows until ${day(training.until)}, ${validation.rows} rows from ${day(validation.from)}`,
    );
  const trained = join(work, 'trained');
  const { seed, source } = run;
  const words = { source, notice: NOTICE, signal: new AbortController().signal, say };
  const models = LABEL_PLANS.map(({ name }) => name);
  await runTrainer({ python: null, dataset, out: trained, seed, champions: null, models, ...words });
  await publishAll(run, { trained, range, sides, source: run.source, codeCommit: codeCommit() });
}

type Sides = DatasetSummary['sides'];

/** Writes the dataset, or finds the one that a run over the same history left in the work folder. */
async function datasetOf(
  { history, truth, range, source, work, say }: BaselineRun,
  file: string,
): Promise<Sides> {
  const note = join(work, 'dataset.json');
  const made = { source, range, layout: LAYOUT_FINGERPRINT };
  const known = readJson<typeof made & { sides: Sides }>(note);
  if (known !== null && JSON.stringify({ ...known, sides: undefined }) === JSON.stringify(made)) {
    say(`${file} was made from the same history`);
    return known.sides;
  }
  const fold = new HistoryFold(range);
  for (const record of history) {
    fold.take(record);
    if (fold.counts.inputs % SHOWN_EVERY === 0)
      say(`${fold.counts.inputs} inputs, until ${day(record.recordAt)}`);
  }
  const { counts, customers } = fold;
  say(
    `${counts.inputs} inputs of ${customers} customers, ${counts.refused} refused, ${counts.received} mailed`,
  );
  const snapshots = fold.finish();
  const { rows, sides } = summariseRows(snapshots, range);
  mkdirSync(work, { recursive: true });
  await writeParquet(file, snapshots, range, truth);
  writeJson(note, { ...made, sides });
  say(`${rows} rows`);
  return sides;
}

async function publishAll(run: BaselineRun, training: Parameters<typeof publishModel>[1]): Promise<void> {
  const place: RegistryPlace = {
    directory: join(run.work, 'registry'),
    set: BASELINE_SET,
    keys: BASELINE_KEYS,
  };
  rmSync(place.directory, { recursive: true, force: true });
  mkdirSync(place.directory, { recursive: true });
  for (const { name } of LABEL_PLANS) {
    const { manifest } = await publishModel(place, training, name, run.key);
    const bytes = Object.values(manifest.files).reduce((sum, file) => sum + (file?.bytes ?? 0), 0);
    run.say(`${name}/${manifest.version}: ${bytes} bytes, signed and verified`);
  }
  await (await openScorer(place)).release();
  for (const { name } of LABEL_PLANS) {
    rmSync(join(run.out, name), { recursive: true, force: true });
    cpSync(join(place.directory, name), join(run.out, name), { recursive: true });
  }
  await (await openScorer({ directory: run.out })).release();
  run.say(`${LABEL_PLANS.length} models are in place`);
}
