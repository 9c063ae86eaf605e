/** Which history a run looks at, and the items that it is replayed in. The same archive gives the same plan. */
import type { EpochMs, InputTopic } from '../../schemas';
import { DAY_MS, INPUT_TOPICS, dayOf, midnight } from '../../schemas';
import type { InputRules } from '../../processors/core';
import { LAYOUT_FINGERPRINT } from '../../models/layout';
import { ArchiveDamagedError, holeInWords } from '../../streams/archive';
import type { ArchivedFile, OpenArchive } from '../../streams/archive';
import type { ArchiveRange, HistoryKind } from '../dataset';
import { BackfillError } from './errors';
import { sha256 } from './files';

/** The end of the same item in an earlier run, to go on from (continuation.ts): the results are the same without it. */
export interface Continuation {
  /** Its folder, as seen from the folder of the plan. */
  run: string;
  /** Fingerprint of the item there. */
  of: string;
  /** Folded there already. */
  records: number;
}

export interface PlanItem {
  id: string;
  /** Of the archive, replayed together, in the order of a lane. */
  partitions: number[];
  /** UTC days from the first record to the end of the range. */
  days: number;
  records: number;
  bytes: number;
  /** Digest of the names and digests of its files: what was planned is what is replayed. */
  files: string;
  /** Left out where it begins at its first record. */
  after?: Continuation;
}

export interface Plan {
  version: 1;
  id: string;
  source: {
    /** Where the archive is; `source` is the folder of that name in the run folder. */
    archive: string;
    /** For people and manifests: no path, no host. */
    words: string;
    /** `stream`: ticks and mail are in the archive. `raw`: the replay makes them. */
    kind: HistoryKind;
  };
  range: ArchiveRange;
  partitions: number;
  /** Fingerprint of the feature layout: a run folder is of one release. */
  layout: string;
  /** Digest of what else an item depends on besides its records: layout and input rules. */
  conditions: string;
  items: PlanItem[];
}

export interface PlanRequest {
  archive: OpenArchive;
  /** Which records are refused, and in which currency amounts are. */
  rules: InputRules;
  /** As it is written down. */
  location: string;
  words: string;
  /** Null: as the archive looks. */
  kind: HistoryKind | null;
  /** Null: the midnight before the first record. */
  startAt: EpochMs | null;
  /** Null: the last midnight that the archive reaches. */
  endAt: EpochMs | null;
}

const SHORT_HASH = 16;
const isInput = (topic: string): boolean => (INPUT_TOPICS as readonly string[]).includes(topic);
/** A lane writes ticks from the first customer on, so an archive without any was never scored. */
const BY_THE_STREAM: readonly InputTopic[] = ['customer-mail', 'customer-commands'];

/** Labels ask what was done within so long: where nobody did anything at all, rows lie outside of time, or days are lost. */
const MOST_SILENT_DAYS = 30;

/** @throws BackfillError history-short, history-gap; ArchiveDamagedError where offsets are missing */
export function makePlan(request: PlanRequest): Plan {
  const { archive, location, words } = request;
  for (const one of archive.inputs)
    for (const hole of one.holes) throw new ArchiveDamagedError(holeInWords(one, hole));
  const files = archive.files.filter(({ topic }) => isInput(topic));
  const range = rangeOf(files, request);
  const kind = request.kind ?? kindOf(files);
  const all = Array.from({ length: archive.partitions }, (_, partition) => partition);
  // A customer of a raw history acts upon customers of other partitions at once: one item folds them all.
  const groups = kind === 'stream' ? all.map(partition => [partition]) : [all];
  const items = groups.map(partitions => itemOf(partitions, files, range));
  const source = { archive: location, words, kind };
  const layout = LAYOUT_FINGERPRINT;
  const conditions = conditionsOf(request.rules);
  const id = sha256(
    JSON.stringify([conditions, kind, range, items.map(({ files: digest }) => digest)]),
  ).slice(0, SHORT_HASH);
  return { version: 1, id, source, range, partitions: archive.partitions, layout, conditions, items };
}

export const conditionsOf = ({ currency, rates, refusedIds }: InputRules): string =>
  sha256(JSON.stringify([LAYOUT_FINGERPRINT, currency, rates, [...refusedIds].sort()]));

const kindOf = (files: readonly ArchivedFile[]): HistoryKind =>
  files.some(({ topic }) => (BY_THE_STREAM as readonly string[]).includes(topic)) ? 'stream' : 'raw';

function rangeOf(files: readonly ArchivedFile[], { startAt, endAt }: PlanRequest): ArchiveRange {
  const first = files.reduce((least, file) => Math.min(least, file.firstRecordAt), Infinity);
  const last = files.reduce((most, file) => Math.max(most, file.lastRecordAt), -Infinity);
  const range = {
    startAt: startAt ?? midnight(dayOf(first)),
    endAt: endAt ?? midnight(dayOf(last)),
  };
  if (files.length === 0 || range.endAt - range.startAt < DAY_MS)
    throw new BackfillError('history-short', 'The history does not hold one whole UTC day.');
  const wholeUntil = midnight(dayOf(last) + 1);
  if (range.endAt > wholeUntil)
    throw new BackfillError(
      'history-short',
      `The history ends on ${dateOf(last)}, and --until is ${dateOf(range.endAt)}: nothing is known of the days between, so everybody would count as gone.`,
    );
  refuseSilence(files, range);
  return range;
}

const dateOf = (at: EpochMs): string => new Date(at).toISOString().slice(0, 10);

/** A file holds one UTC day. @throws BackfillError history-gap */
function refuseSilence(files: readonly ArchivedFile[], { startAt, endAt }: ArchiveRange): void {
  const days = files
    .map(({ firstRecordAt }) => dayOf(firstRecordAt))
    .filter(day => midnight(day) >= startAt && midnight(day) < endAt)
    .sort((a, b) => a - b);
  let before = dayOf(startAt);
  for (const day of [...days, dayOf(endAt)]) {
    if (day - before > MOST_SILENT_DAYS)
      throw new BackfillError(
        'history-gap',
        `There is no record of anybody between ${dateOf(midnight(before))} and ${dateOf(midnight(day))}.`,
      );
    before = day;
  }
}

/** What a history may lack without being refused, for a person to judge. */
export function doubtsOf({ inputs }: OpenArchive, { endAt }: ArchiveRange): string[] {
  const lastDay = endAt - DAY_MS;
  const reaches = new Map<number, EpochMs>();
  for (const { partition, lastRecordAt } of inputs)
    reaches.set(partition, Math.max(reaches.get(partition) ?? -Infinity, lastRecordAt));
  const late = [...reaches].filter(([, at]) => at < lastDay).map(([partition]) => partition);
  const lost = inputs.filter(({ gaps }) => gaps.length > 0);
  return [
    ...(late.length === 0
      ? []
      : [
          `Partition(s) ${late.slice(0, 5).join(', ')}${late.length > 5 ? ' …' : ''} hold nothing of the last day, ${dateOf(lastDay)}: if the archive is late, plan again when it is there.`,
        ]),
    ...lost.map(
      ({ topic, partition }) =>
        `Partition ${partition} of ${topic} has a gap that was accepted: what happened there counts as silence.`,
    ),
  ];
}

/** Files that a replay of these partitions reads. */
function filesOf(partitions: readonly number[], files: readonly ArchivedFile[], endAt: EpochMs) {
  return files.filter(
    ({ topic, partition, firstRecordAt }) =>
      partitions.includes(partition) && firstRecordAt <= endAt && isInput(topic),
  );
}

export const filesDigest = (
  partitions: readonly number[],
  files: readonly ArchivedFile[],
  endAt: EpochMs,
): string =>
  sha256(JSON.stringify(filesOf(partitions, files, endAt).map(({ name, sha256: digest }) => [name, digest])));

function itemOf(
  partitions: readonly number[],
  files: readonly ArchivedFile[],
  { startAt, endAt }: ArchiveRange,
): PlanItem {
  const own = filesOf(partitions, files, endAt);
  const sum = (of: (file: ArchivedFile) => number): number =>
    own.reduce((total, file) => total + of(file), 0);
  const name = partitions.length === 1 ? String(partitions[0]).padStart(5, '0') : 'all';
  return {
    id: `p${name}`,
    partitions: [...partitions],
    days: Math.ceil((endAt - startAt) / DAY_MS),
    records: sum(({ records }) => records),
    bytes: sum(({ bytes }) => bytes),
    files: filesDigest(partitions, files, endAt),
  };
}
