/**
 * Writes the archive. Where it stands follows from the manifests alone:
 *
 * 1. Position of a partition: the end of its last file, or behind a gap that was accepted.
 * 2. Read from there to what is decided now, and let boundaries.ts say where files end.
 * 3. A file that ended is written, then its manifest. A crash in between writes both again, with the same bytes.
 * 4. What is left at the end is not written: it may grow. Its numbers are remembered, its rows are not; they are read
 *    again when it ends. It ends by the clock when its day is over and nothing of it can come any more, or when the
 *    caller wants everything (`tail`).
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../processors/ports';
import type { ArchivedTopic, EpochMs } from '../../schemas';
import { ARCHIVED_TOPICS, DAY_MS, HOUR_MS, INPUT_TOPICS, midnight } from '../../schemas';
import type { OpenFile } from './boundaries';
import { take } from './boundaries';
import { encodeFile } from './container';
import type { ArchivedRow } from './container';
import { beyondGaps, coverageOf } from './coverage';
import { ArchiveGapError, ArchiveRefusedError } from './errors';
import { addToManifest, placeKey, readDescription, readManifests, writeDescription } from './manifest';
import type { AcceptedGap, ArchivedFile, ArchiveDescription } from './manifest';
import { dayText, fileName } from './names';
import type { ArchiveSource, HeldRange } from './source';
import type { ArchiveStorage } from './storage';

/**
 * After midnight a transaction may be open for as long as brokers allow (15 minutes), and their clocks may differ: by
 * then no record of the day before comes any more.
 */
const GRACE_MS = HOUR_MS;
const DEFAULT_FILE_BYTES = 16 * 1024 * 1024;

export interface ArchiverOptions {
  storage: ArchiveStorage;
  source: ArchiveSource;
  clock: Pick<Clock, 'now'>;
  /** Of a new archive; one that exists keeps its own. */
  fileOffsets: number;
  fileBytes?: number;
  /** Go on behind what retention has removed, and remember that. */
  acceptGap?: boolean;
  signal?: AbortSignal;
  /** Told of every file that was written. */
  onFile?: (file: ArchivedFile) => void;
  onGap?: (gap: AcceptedGap) => void;
  /** Told of records that were read, for progress. */
  onRead?: (records: number) => void;
}

/** A partition of a topic between two rounds. */
interface Standing {
  readonly topic: ArchivedTopic;
  readonly partition: number;
  /** End of the last file. */
  position: number;
  /** Read so far: at or behind the open file's end. */
  readTo: number;
  open: OpenFile | null;
}

/** A file's numbers with its rows; null where they must be read again. */
interface Growing {
  file: OpenFile | null;
  rows: ArchivedRow[] | null;
}

export class Archiver {
  private constructor(
    private readonly options: ArchiverOptions,
    private description: ArchiveDescription,
    private readonly standings: readonly Standing[],
    private readonly begun: ReadonlySet<string>,
  ) {}

  /** @throws ArchiveRefusedError when topics and archive differ in their partitions, ArchiveDamagedError */
  static async open(options: ArchiverOptions): Promise<Archiver> {
    const { storage, source } = options;
    const partitions = partitionsOf(source);
    const description = (await readDescription(storage)) ?? (await describe(options, partitions));
    if (description.partitions !== partitions)
      throw new ArchiveRefusedError(
        `The archive in ${storage.place} has ${description.partitions} partitions a topic, Kafka has ${partitions}: use another archive.location.`,
      );
    const coverage = coverageOf(await readManifests(storage), description);
    const ends = new Map(coverage.map(one => [placeKey(one.topic, one.partition), one.end]));
    const standings = ARCHIVED_TOPICS.flatMap(topic =>
      Array.from({ length: source.partitions(topic) }, (_, partition) => {
        const gaps = description.gaps.filter(gap => gap.topic === topic && gap.partition === partition);
        const position = beyondGaps(ends.get(placeKey(topic, partition)) ?? 0, gaps);
        return { topic, partition, position, readTo: position, open: null };
      }),
    );
    return new Archiver(options, description, standings, new Set(ends.keys()));
  }

  /** Of the archive; settings for a new one may differ. */
  get fileOffsets(): number {
    return this.description.fileOffsets;
  }

  /** Records that were not read yet, at this moment. */
  async behind(): Promise<number> {
    let behind = 0;
    for (const topic of ARCHIVED_TOPICS) {
      const ranges = await this.options.source.held(topic);
      for (const { partition, readTo, topic: at } of this.standings)
        if (at === topic)
          behind += Math.max(0, ranges[partition]!.end - Math.max(readTo, ranges[partition]!.start));
    }
    return behind;
  }

  /**
   * All partitions once, up to what is decided now. Returns the number of files written.
   * @throws ArchiveGapError
   */
  async round(tail = false): Promise<number> {
    let written = 0;
    for (const topic of ARCHIVED_TOPICS) {
      // The clock before the ends: what was decided by then has been seen.
      const now = this.options.clock.now();
      const ranges = await this.options.source.held(topic);
      for (const standing of this.standings)
        if (standing.topic === topic && this.options.signal?.aborted !== true)
          written += await this.advance(standing, ranges[standing.partition]!, { now, tail });
    }
    return written;
  }

  private async advance(
    standing: Standing,
    { start, end }: HeldRange,
    { now, tail }: { now: EpochMs; tail: boolean },
  ): Promise<number> {
    await this.begin(standing, start);
    const { topic, partition } = standing;
    const { source, signal } = this.options;
    const growing: Growing = { file: standing.open, rows: standing.open === null ? [] : null };
    let written = 0;
    if (standing.readTo < end)
      for await (const page of source.read(topic, partition, standing.readTo, end, signal)) {
        for (const row of page) written += await this.takeRow(standing, growing, row);
        this.options.onRead?.(page.length);
      }
    if (signal?.aborted === true) return this.forget(standing, written);
    const { file } = growing;
    if (file !== null && (tail || isOver(file, now))) {
      await this.write(standing, file, growing.rows);
      return this.forget(standing, written + 1, end);
    }
    standing.open = file;
    standing.readTo = Math.max(standing.readTo, end);
    return written;
  }

  /** The next round reads from the last file's end. */
  private forget(standing: Standing, written: number, readTo = standing.position): number {
    standing.open = null;
    standing.readTo = Math.max(standing.position, readTo);
    return written;
  }

  private async takeRow(standing: Standing, growing: Growing, row: ArchivedRow): Promise<number> {
    const { open, closed } = take(growing.file, standing.position, row, this.description);
    if (closed !== null) {
      await this.write(standing, closed, growing.rows);
      growing.rows = [];
    }
    growing.file = open;
    // A view would keep the whole answer of the broker in memory.
    growing.rows?.push({ ...row, value: row.value === null ? null : Buffer.from(row.value) });
    return closed === null ? 0 : 1;
  }

  /** Files first, then what speaks of them. */
  private async write(standing: Standing, file: OpenFile, held: ArchivedRow[] | null): Promise<void> {
    const { storage, onFile } = this.options;
    const { topic, partition } = standing;
    const rows = held ?? (await this.readAgain(standing, file));
    const { first, end, day } = file;
    const name = fileName({ topic, partition, day, first, end });
    const bytes = encodeFile(name, rows);
    await storage.write(name, bytes);
    const [firstRecordAt, lastRecordAt] = spanOf(rows);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const sizes = { records: rows.length, bytes: bytes.length, sha256 };
    const entry = { name, topic, partition, first, end, ...sizes, firstRecordAt, lastRecordAt };
    await addToManifest(storage, dayText(day), entry);
    standing.position = end;
    onFile?.(entry);
  }

  private async readAgain(
    { topic, partition }: Standing,
    { first, end, records }: OpenFile,
  ): Promise<ArchivedRow[]> {
    const rows: ArchivedRow[] = [];
    for await (const page of this.options.source.read(topic, partition, first, end))
      for (const row of page)
        rows.push({ ...row, value: row.value === null ? null : Buffer.from(row.value) });
    if (rows.length === records) return rows;
    throw new ArchiveRefusedError(
      `Partition ${partition} of ${topic} gave ${records} records between offsets ${first} and ${end}, then ${rows.length}: the log has changed. Start the archive again.`,
    );
  }

  /** A new archive begins where Kafka does; an old one must not have been overtaken. */
  private async begin(standing: Standing, start: number): Promise<void> {
    if (start <= standing.position) return;
    const { topic, partition, position } = standing;
    const isNew = position === 0 && !this.begun.has(placeKey(topic, partition)) && standing.open === null;
    if (!isNew) {
      if (this.options.acceptGap !== true) throw new ArchiveGapError(topic, partition, position, start);
      await this.accept({ topic, partition, from: position, to: start });
    }
    standing.position = start;
    this.forget(standing, 0);
  }

  private async accept(gap: AcceptedGap): Promise<void> {
    this.description = { ...this.description, gaps: [...this.description.gaps, gap] };
    await writeDescription(this.options.storage, this.description);
    this.options.onGap?.(gap);
  }
}

const isOver = ({ day }: OpenFile, now: EpochMs): boolean => now >= midnight(day) + DAY_MS + GRACE_MS;

/** A broker's clock may go back a little: smallest and largest, not first and last. */
function spanOf(rows: readonly ArchivedRow[]): [first: EpochMs, last: EpochMs] {
  let first = Infinity;
  let last = -Infinity;
  for (const { recordAt } of rows) {
    first = Math.min(first, recordAt);
    last = Math.max(last, recordAt);
  }
  return [first, last];
}

/** Of the inputs, which share theirs; scores may have others. */
function partitionsOf(source: ArchiveSource): number {
  const counts = INPUT_TOPICS.map(topic => source.partitions(topic));
  if (counts.some(count => count !== counts[0]))
    throw new ArchiveRefusedError(
      `The input topics differ in their partitions: ${INPUT_TOPICS.map((topic, at) => `${topic} ${counts[at]}`).join(', ')}.`,
    );
  return counts[0]!;
}

async function describe(
  { storage, fileOffsets, fileBytes = DEFAULT_FILE_BYTES }: ArchiverOptions,
  partitions: number,
): Promise<ArchiveDescription> {
  const description: ArchiveDescription = { version: 1, partitions, fileOffsets, fileBytes, gaps: [] };
  await writeDescription(storage, description);
  return description;
}
