/** Scores as they were published, and where they are read from. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { EngagementScore, EpochMs } from '../../schemas';
import { HOUR_MS } from '../../schemas';
import { hash64 } from '../../processors/core';
import type { OpenArchive, ArchiveStorage } from '../../streams/archive';
import { readRows } from '../../streams/archive';
import type { PreparedDecoder } from './partition-walk';

export interface PublishedScore {
  /** `ce_id`: hash of the message's bytes. */
  id: string;
  score: EngagementScore;
}

/** Scores whose position is one of the partition, in any order; those as of before `from` may be left out. */
export type PublishedScores = (partition: number, from: EpochMs) => AsyncIterable<PublishedScore>;

export interface Selection {
  /** As-of: from here on, and before there. */
  from: EpochMs;
  until: EpochMs;
  /** Of the scores in between, 0..1; which ones follows from their ids. */
  share: number;
}

const ID_HEX = 32;
const WORDS = 2 ** 32;

/** The id that a message of these bytes has (processors/runner/messages.ts). */
const messageIdOf = (value: Uint8Array): string =>
  createHash('sha256').update(value).digest('hex').slice(0, ID_HEX);

export const isInRange = ({ score: { asOf } }: PublishedScore, { from, until }: Selection): boolean =>
  asOf >= from && asOf < until;

export const isInSample = ({ id }: PublishedScore, { share }: Selection): boolean =>
  share >= 1 || hash64(id).hi < share * WORDS;

/** @throws ArchiveDamagedError */
export function archivedScores(
  storage: ArchiveStorage,
  { files }: OpenArchive,
  codec: PreparedDecoder,
): PublishedScores {
  const ofScores = files.filter(({ topic }) => topic === 'engagement-scores');
  // A topic with other partitions than the inputs has the scores of one lane everywhere.
  let spread: Promise<boolean> | null = null;
  async function* all(chosen: typeof ofScores): AsyncGenerator<PublishedScore> {
    for (const file of chosen) {
      const rows = (await readRows(storage, file)).flatMap(({ value }) => (value === null ? [] : [value]));
      await codec.prepare?.('engagement-scores', rows);
      for (const value of rows)
        yield { id: messageIdOf(value), score: codec.decodeOutput('engagement-scores', value) };
    }
  }
  async function isSpread(): Promise<boolean> {
    // The largest file of each: a small one may happen to be of one lane alone.
    const largest = new Map<number, (typeof ofScores)[number]>();
    for (const file of ofScores)
      if (file.records > (largest.get(file.partition)?.records ?? -1)) largest.set(file.partition, file);
    for (const [partition, file] of largest)
      for await (const { score } of all([file])) if (score.position.partition !== partition) return true;
    return false;
  }
  return async function* (partition, from) {
    spread ??= isSpread();
    const chosen = (await spread) ? ofScores : ofScores.filter(file => file.partition === partition);
    // Nobody publishes a score before its as-of, but for a clock that is behind.
    const late = chosen.filter(({ lastRecordAt }) => lastRecordAt >= from - HOUR_MS);
    for await (const published of all(late))
      if (published.score.position.partition === partition) yield published;
  };
}

/** A line of scores.jsonl: a score with its id, or that it was removed. */
interface ScoreLine extends EngagementScore {
  id: string;
  removed?: true;
}

/** Lines of a scores.jsonl but for removals, which hold no score. @throws Error that names file and line */
export async function* scoreLines<T = ScoreLine>(file: string): AsyncGenerator<T> {
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number++;
    if (text === '') continue;
    const line = parsed(text);
    if (line?.removed === true) continue;
    if (typeof line?.asOf !== 'number')
      throw new Error(
        `${file}, line ${number} is no score: name the scores.jsonl that a replay has written.`,
      );
    yield line as T;
  }
}

function parsed(text: string): Partial<ScoreLine> | null {
  try {
    return JSON.parse(text) as Partial<ScoreLine> | null;
  } catch {
    return null;
  }
}

/** What `rescore replay` left in scores.jsonl. */
export const scoresOfFile = (file: string): PublishedScores =>
  async function* (partition) {
    for await (const { id, ...score } of scoreLines(file))
      if (score.position.partition === partition) yield { id, score };
  };

/** As-of of the newest score in a scores.jsonl; null where there is none. */
export async function newestAsOf(file: string): Promise<EpochMs | null> {
  let newest: EpochMs | null = null;
  for await (const { asOf } of scoreLines(file)) if (newest === null || asOf > newest) newest = asOf;
  return newest;
}
