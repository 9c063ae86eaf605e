/**
 * Where the archive's files begin and end. It follows from the records alone, so whoever archives the same log, in
 * whatever pieces and after whatever crash, writes the same files: a file ends before the first record of another UTC
 * day, before a record beyond its window of offsets, or before one that would make it too large.
 *
 * A file reaches from the end of the one before it to behind its own last record. Offsets have gaps (markers, aborted
 * records); a gap belongs to the file after it, because what comes after a record is not known when its day is over.
 */
import type { EpochDay, EpochMs } from '../../schemas';
import { dayOf } from '../../schemas';

export interface Bounds {
  /** Offsets of a file lie in one window of so many, aligned to multiples. */
  fileOffsets: number;
  /** Keys and values of a file, bytes; a single larger record is a file of its own. */
  fileBytes: number;
}

export interface SizedRecord {
  offset: number;
  recordAt: EpochMs;
  key: string;
  value: Uint8Array | null;
}

/** A file that may still grow: a few numbers, whatever it holds. */
export interface OpenFile {
  /** Where the file before it ended. */
  readonly first: number;
  /** Behind the last record. */
  readonly end: number;
  readonly day: EpochDay;
  /** Number of the window of offsets. */
  readonly window: number;
  readonly bytes: number;
  readonly records: number;
}

/** Before each record's key and value: offset, instant, lengths. Tombstones cost something too. */
const RECORD_BYTES = 24;

const sizeOf = ({ key, value }: SizedRecord): number => RECORD_BYTES + key.length + (value?.length ?? 0);

export const windowOf = (offset: number, { fileOffsets }: Bounds): number => Math.floor(offset / fileOffsets);

const openAt = (first: number, record: SizedRecord, bounds: Bounds): OpenFile => ({
  first,
  end: record.offset + 1,
  day: dayOf(record.recordAt),
  window: windowOf(record.offset, bounds),
  bytes: sizeOf(record),
  records: 1,
});

const belongs = (open: OpenFile, record: SizedRecord, bounds: Bounds): boolean =>
  dayOf(record.recordAt) === open.day &&
  windowOf(record.offset, bounds) === open.window &&
  open.bytes + sizeOf(record) <= bounds.fileBytes;

/** The next record of a partition: `closed` is the file that it ends, if it ends one. */
export function take(
  open: OpenFile | null,
  position: number,
  record: SizedRecord,
  bounds: Bounds,
): { open: OpenFile; closed: OpenFile | null } {
  if (open === null) return { open: openAt(position, record, bounds), closed: null };
  if (!belongs(open, record, bounds)) return { open: openAt(open.end, record, bounds), closed: open };
  const { bytes, records } = open;
  return {
    open: { ...open, end: record.offset + 1, bytes: bytes + sizeOf(record), records: records + 1 },
    closed: null,
  };
}
