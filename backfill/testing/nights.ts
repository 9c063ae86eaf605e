/** Nights of the nightly job in memory and in folders: planned, replayed, killed, and what they leave. */
import { mkdirSync, readFileSync } from 'node:fs';
import type { CustomerId, EpochMs } from '../../schemas';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../schemas';
import { DEFAULT_RULES } from '../../processors/core';
import type { OpenArchive } from '../../streams/archive';
import { createAvroCodec } from '../../streams/avro/codec';
import type { HistoryRecord } from '../dataset';
import { beginningsOf, earlierRun, runsBeside } from '../pipeline/continuation';
import type { Beginning } from '../pipeline/continuation';
import { sha256, writeJson } from '../pipeline/files';
import { itemFiles } from '../pipeline/item';
import { makeDataset } from '../pipeline/join';
import { makePlan } from '../pipeline/plan';
import type { Plan, PlanRequest } from '../pipeline/plan';
import { replayItem } from '../pipeline/replay';
import type { ReplayOptions } from '../pipeline/replay';
import { RunFolder } from '../pipeline/run-folder';
import { END, START, draw, inOrder, smallHistory, visit } from './small-history';

const codec = createAvroCodec();

export const dayAt = (day: number): EpochMs => START + day * DAY_MS;
/** An archive is so far ahead of the end of a run: beyond the days on which nobody comes. */
export const AHEAD_MS = 6 * DAY_MS + 2 * HOUR_MS;

/**
 * What happens around midnight: copies of messages hours and days later, anonymous visitors who come, are forgotten and
 * come back, sessions that go on past it, erasures, and days on which nobody comes at all.
 */
export function eventful(prefix: string, customers: number, erasures: boolean): HistoryRecord[] {
  const base = smallHistory(customers, prefix);
  const copies = base
    .filter((_record, at) => draw(`copy ${prefix} ${at}`) < 0.06)
    .map((record, at) => ({
      ...record,
      recordAt: record.recordAt + Math.floor(50 * HOUR_MS * draw(`later ${prefix} ${at}`)),
    }));
  const strangers = Array.from({ length: 40 }, (_, at) => {
    const id = `${prefix}x${at % 3}`;
    const record = visit(id, Math.floor(START + 320 * DAY_MS * draw(`stranger ${prefix} ${at}`)));
    return { ...record, value: { ...record.value, userId: null, anonymousId: id } } as HistoryRecord;
  });
  const nightOwls = Array.from({ length: 300 }, (_, day) =>
    [-20, -5, 5, 20].map(minutes => visit(`${prefix}owl${day % 2}`, dayAt(day + 1) + minutes * MINUTE_MS)),
  ).flat();
  const erased = { dueAt: null, cause: null, networkCentrality: null, avgConnectionStrength: null };
  const commands = [70, 180].map((day, at): HistoryRecord => {
    const customerId = `${prefix}${at}` as CustomerId;
    const value = { customerId, kind: 'erase' as const, ...erased, computedAt: null };
    return { topic: 'customer-commands', recordAt: dayAt(day) + HOUR_MS, value };
  });
  const all = [...base, ...copies, ...strangers, ...nightOwls, ...(erasures ? commands : [])];
  const isQuiet = (at: EpochMs): boolean => Math.floor((at - START) / DAY_MS / 5) % 4 === 2;
  return inOrder(all).filter(({ recordAt }) => recordAt <= END && !isQuiet(recordAt));
}

/** The broker's clock goes back for one record in twelve, by up to two hours. */
export const withJumps = (records: readonly HistoryRecord[], prefix: string): HistoryRecord[] =>
  records.map((record, at) => {
    if (draw(`jump ${prefix} ${at}`) > 1 / 12) return record;
    const back = Math.floor(2 * HOUR_MS * draw(`back ${prefix} ${at}`));
    return { ...record, recordAt: record.recordAt - back };
  });

export interface Night {
  run: RunFolder;
  plan: Plan;
  beginnings: Beginning[];
  archive: OpenArchive;
}

export const BY = 'this program';
const request = {
  ...{ location: 'memory', words: 'test', kind: null, rules: DEFAULT_RULES },
  ...{ startAt: null, endAt: null },
};

/** Plans a night into `folder`, going on from `after`. */
export function planned(
  folder: string,
  archive: OpenArchive,
  asked: Partial<PlanRequest>,
  after: readonly RunFolder[] | 'latest' = [],
  foldedBy = BY,
): Night {
  const run = new RunFolder(folder);
  const plan = makePlan({ ...request, archive, ...asked });
  const earlier = after === 'latest' ? runsBeside(run, 'memory') : after.map(one => earlierRun(one)!);
  const beginnings = beginningsOf({ run, plan, earlier, files: archive.files, foldedBy });
  mkdirSync(folder, { recursive: true });
  writeJson(run.at('plan.json'), { ...plan, items: beginnings.map(({ item }) => item) });
  return { run, plan, beginnings, archive };
}

export interface Replayed {
  /** Records that were decoded: the work. */
  decoded: number;
  takenUp: number;
  whys: string[];
}

export const optionsOf = ({ run, archive, plan }: Night, { item }: Beginning): ReplayOptions => ({
  ...{ run, item, kind: plan.source.kind, range: plan.range, conditions: plan.conditions },
  ...{ foldedBy: BY, log: archive.log(), codec, rules: DEFAULT_RULES, recordsPerCheckpoint: 100 },
  signal: new AbortController().signal,
});

/** Replays its items; `crashAfter`: each dies once, after so many checkpoints. */
export async function replayed(night: Night, foldedBy = BY, crashAfter = Infinity): Promise<Replayed> {
  const told: Replayed = { decoded: 0, takenUp: 0, whys: [] };
  const counting = {
    decode: (...parameters: Parameters<typeof codec.decode>) => {
      told.decoded++;
      return codec.decode(...parameters);
    },
  } as ReplayOptions['codec'];
  const onTakenUp = (records: number, why: string | null): void => {
    told.takenUp += records;
    if (why !== null) told.whys.push(why);
  };
  for (const beginning of night.beginnings) {
    const options = { ...optionsOf(night, beginning), foldedBy, codec: counting, onTakenUp };
    await killedAfter(crashAfter, options);
    await replayItem(options);
  }
  return told;
}

/** Nothing, where it ends before. */
export async function killedAfter(checkpoints: number, options: ReplayOptions): Promise<void> {
  let left = checkpoints;
  const onCheckpoint = (): void => {
    if (--left === 0) throw new Error('crash');
  };
  if (checkpoints < Infinity)
    await replayItem({ ...options, onCheckpoint }).catch((error: Error) => {
      if (error.message !== 'crash') throw error;
    });
}

/** Digests of everything that items and dataset leave, by name. */
export async function resultsOf({ run, plan }: Night): Promise<Record<string, string>> {
  const note = await makeDataset(run, plan);
  if (note.sides['engagement']!.training.rows < 20) throw new Error('Too few rows to compare anything.');
  const files = plan.items.flatMap(item =>
    Object.entries(itemFiles(run, item)).filter(([what]) => what !== 'lock'),
  );
  const all = [...files.map(([, file]) => file), run.at('dataset.parquet'), run.at('dataset.json')];
  return Object.fromEntries(all.map(file => [file.slice(run.directory.length), sha256(readFileSync(file))]));
}

/** Records. */
export const foldedIn = ({ run, plan }: Night): number =>
  plan.items.reduce((sum, item) => {
    const { records } = JSON.parse(readFileSync(itemFiles(run, item).done, 'utf8')) as { records: number };
    return sum + records;
  }, 0);
