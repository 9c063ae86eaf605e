/**
 * The log of a replay, made again from its input files in a folder that is removed afterwards: the same rows, ticks and
 * mail under the same offsets, as a replay follows from its files and settings alone. Scores are read from the
 * scores.jsonl of the first one.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newestAsOf, scoresOfFile } from '../../backfill/consistency';
import { loadMapping } from '../../streams/mapping';
import type { Context } from '../context';
import { openForWork, type OpenState } from '../embedded';
import { CliError, EXIT } from '../errors';
import { Exporter } from '../replay/exporter';
import { findFiles } from '../replay/files';
import { emptyTally } from '../replay/intake-tally';
import { ReplayProgress } from '../replay/progress-record';
import { emptyReport } from '../replay/quality';
import { Replay } from '../replay/replay';
import type { Recorded } from './recorded';

export interface ReplayedOptions {
  /** scores.jsonl of the replay. */
  scores: string;
  /** Its input files. */
  inputs: readonly string[];
  map: string | undefined;
  format: 'segment' | undefined;
}

const MEGABYTE = 1_048_576;
/** Nothing of the log may be forgotten before it is compared. */
const KEPT_DAYS = 1_000_000;

/** @throws CliError input-missing, input-format */
export async function withReplayedScores<T>(
  context: Context,
  options: ReplayedOptions,
  work: (recorded: Recorded) => Promise<T>,
): Promise<T> {
  const file = context.path(options.scores);
  if (!existsSync(file))
    throw new CliError('input-missing', `There is no file ${options.scores}.`, EXIT.usage);
  if ((options.map === undefined) === (options.format === undefined))
    throw new CliError('input-format', 'The format of the files is not clear.', EXIT.usage);
  const folder = mkdtempSync(join(tmpdir(), 'rescore-replayed-'));
  try {
    const { settings } = context;
    const values = {
      ...settings.values,
      'state.logRetentionDays': KEPT_DAYS,
      'publish.reasons': 'off' as const,
    };
    const own = { ...context, settings: { ...settings, values } };
    const state = openForWork(own, join(folder, 'state'), values['state.partitions']);
    try {
      await replayInto(state, own, folder, options, await newestAsOf(file));
      const { codec, embedded } = state;
      const scores = scoresOfFile(file);
      return await work({ source: options.scores, log: embedded.log, codec, scores, notWhole: () => [] });
    } finally {
      await state.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function replayInto(
  state: OpenState,
  context: Context,
  folder: string,
  { inputs, map }: ReplayedOptions,
  atLeast: number | null,
): Promise<void> {
  const mapping = map === undefined ? null : loadMapping(map);
  const { files } = await findFiles(inputs, context.path);
  const progress = new ReplayProgress(state.embedded, {
    version: 1,
    out: folder,
    finished: [],
    current: {
      files: files.map(({ digest, name }) => ({ digest, name })),
      format: mapping?.name ?? 'segment',
      shuffle: null,
      appended: 0,
      deadLetters: 0,
    },
    reachedAt: null,
    tally: emptyTally(),
    quality: emptyReport(),
  });
  progress.save({});
  const exporter = new Exporter(state, join(folder, 'out'));
  try {
    const memoryBytes = context.settings.values['replay.memoryMegabytes'] * MEGABYTE;
    const how = { mapping, shuffle: null, strict: false, memoryBytes, scratch: folder };
    await new Replay(context, state, progress, exporter, files, { ...how, until: null, atLeast }).run();
  } finally {
    exporter.close();
  }
}
