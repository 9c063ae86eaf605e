/** What an archive holds, topic by topic and partition by partition. */
import type { EpochMs, ArchivedTopic } from '../../schemas';
import type { AcceptedGap, ArchivedFile, ArchiveDescription } from './manifest';
import { placeKey } from './manifest';

export interface Coverage {
  topic: ArchivedTopic;
  partition: number;
  /** First offset, and the one after the last. */
  start: number;
  end: number;
  files: number;
  records: number;
  bytes: number;
  firstRecordAt: EpochMs;
  lastRecordAt: EpochMs;
  /** Ranges of offsets between files that no file holds and nobody accepted. */
  holes: readonly OffsetRange[];
  /** Ranges that retention removed and that were accepted. */
  gaps: readonly OffsetRange[];
  /** Files that begin before the one before them ends. */
  overlaps: readonly string[];
}

export interface OffsetRange {
  from: number;
  to: number;
}

/** For people, with the offsets. */
export const holeInWords = (
  { topic, partition }: Pick<Coverage, 'topic' | 'partition'>,
  { from, to }: OffsetRange,
): string => `Partition ${partition} of ${topic} lacks offsets ${from} to ${to - 1}.`;

/** `files` in the order of `readManifests`. Partitions without a file are left out. */
export function coverageOf(
  files: readonly ArchivedFile[],
  { gaps }: Pick<ArchiveDescription, 'gaps'>,
): Coverage[] {
  const byPlace = new Map<string, ArchivedFile[]>();
  for (const file of files) {
    const key = placeKey(file.topic, file.partition);
    const held = byPlace.get(key);
    if (held === undefined) byPlace.set(key, [file]);
    else held.push(file);
  }
  return [...byPlace.values()].map(held => coverageOfPartition(held, gaps));
}

function coverageOfPartition(files: readonly ArchivedFile[], gaps: readonly AcceptedGap[]): Coverage {
  const { topic, partition, first: start } = files[0]!;
  const accepted = gaps.filter(gap => gap.topic === topic && gap.partition === partition);
  const holes: OffsetRange[] = [];
  const overlaps: string[] = [];
  const sums = { records: 0, bytes: 0, firstRecordAt: Infinity, lastRecordAt: -Infinity };
  let end = start;
  for (const file of files) {
    const reached = beyondGaps(end, accepted);
    if (file.first > reached) holes.push({ from: reached, to: file.first });
    if (file.first < end) overlaps.push(file.name);
    end = Math.max(end, file.end);
    sums.records += file.records;
    sums.bytes += file.bytes;
    sums.firstRecordAt = Math.min(sums.firstRecordAt, file.firstRecordAt);
    sums.lastRecordAt = Math.max(sums.lastRecordAt, file.lastRecordAt);
  }
  const ranges = accepted.map(({ from, to }) => ({ from, to }));
  return { topic, partition, start, end, files: files.length, ...sums, holes, gaps: ranges, overlaps };
}

/** Where the archive goes on after `end`: behind what was accepted as lost. */
export function beyondGaps(end: number, gaps: readonly OffsetRange[]): number {
  const gap = gaps.find(({ from }) => from === end);
  return gap === undefined ? end : beyondGaps(gap.to, gaps);
}
