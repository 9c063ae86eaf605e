/**
 * Replays one item of a plan:
 *
 * 1. Take up the last checkpoint, if there is one, else the last one of the earlier run that the plan names; cut the file of
 *    vectors to where it was good.
 * 2. Fold record after record, in the order of a lane, up to the end of the range.
 * 3. At the end of a day take the snapshots of everybody; when as many records were folded as a checkpoint is worth,
 *    append the vectors, then replace the checkpoint.
 * 4. At the end take the last snapshots, keep the checkpoint, write the rows with their labels, customers as they are now,
 *    then the note that the item is done.
 *
 * A crash anywhere repeats what came after the last checkpoint, and gives the same bytes. So does an earlier run: the last
 * checkpoint of one that ended at a midnight is the one that this run would have made there.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { EpochMs } from '../../schemas';
import { DAY_MS, dayOf } from '../../schemas';
import type { InputRules } from '../../processors/core';
import type { EventLog, WireCodec } from '../../processors/ports';
import { HistoryFold } from '../dataset';
import { MergedRecords } from '../history/merged';
import { RawReader, StreamReader } from '../history/reading';
import type { RecordReader } from '../history/reading';
import { decodeCheckpoint, encodeCheckpoint, vectorBytes } from './checkpoint';
import type { Checkpoint } from './checkpoint';
import { encodeColumns } from './columns-file';
import { BackfillError } from './errors';
import { sha256, sha256OfFile, writeJson, writeWhole } from './files';
import { fingerprintOf, itemFiles } from './item';
import type { ItemDone, ItemOfPlan } from './item';
import { columnsOfRows, idsToColumn } from './row-columns';
import { takeUp } from './take-up';

/** At least so many records between two checkpoints; see `isWorthIt`. */
const RECORDS_PER_CHECKPOINT = 200_000;

export interface ReplayOptions extends ItemOfPlan {
  /** Which program this is, and how it reads records: only what it folded itself does it go on from. */
  foldedBy: string;
  log: EventLog;
  codec: Pick<WireCodec, 'decode'>;
  rules: InputRules;
  signal: AbortSignal;
  /** Told first: records of an earlier run that need not be folded again, and why there are none though some were planned. */
  onTakenUp?: (records: number, why: string | null) => void;
  /** Told of records folded so far, now and then. */
  onRecords?: (records: number) => void;
  /** Told after every checkpoint. */
  onCheckpoint?: () => void;
  recordsPerCheckpoint?: number;
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** @throws BackfillError interrupted, ArchiveDamagedError, OffsetOutOfRangeError */
export async function replayItem(options: ReplayOptions): Promise<ItemDone> {
  const replay = new ItemReplay(options);
  try {
    return await replay.work();
  } finally {
    replay.close();
  }
}

class ItemReplay {
  private readonly files: ReturnType<typeof itemFiles>;
  private readonly of: string;
  private readonly foldedBy: string | null;
  private readonly fold: HistoryFold;
  private readonly reader: RecordReader;
  private readonly from: Checkpoint | null;
  private readonly vectors: number;
  private records: number;
  private lastKept: number;
  private arrivedAt: EpochMs;

  constructor(private readonly options: ReplayOptions) {
    const { run, item, kind, range, rules } = options;
    this.files = itemFiles(run, item);
    this.of = fingerprintOf(options);
    this.from = this.lastCheckpoint() ?? this.takenUp();
    // Two programs may fold in two ways: from what both have folded no later run goes on.
    const isOne = this.from === null || this.from.foldedBy === options.foldedBy;
    this.foldedBy = isOne ? options.foldedBy : null;
    this.fold = new HistoryFold(range, rules, kind, this.from?.state);
    this.reader =
      kind === 'raw'
        ? new RawReader(this.fold, options)
        : new StreamReader(this.fold, options, { ...this.from?.mailPositions });
    this.records = this.lastKept = this.from?.records ?? 0;
    this.arrivedAt = this.from?.arrivedAt ?? -Infinity;
    mkdirSync(dirname(this.files.vectors), { recursive: true });
    this.vectors = openSync(this.files.vectors, existsSync(this.files.vectors) ? 'r+' : 'w+');
    ftruncateSync(this.vectors, vectorBytes(this.fold.state.snapshots));
  }

  close(): void {
    closeSync(this.vectors);
  }

  async work(): Promise<ItemDone> {
    const { item, log, kind, range, signal, onRecords } = this.options;
    const leftOut = kind === 'raw' ? (['customer-mail'] as const) : [];
    const merged = await MergedRecords.open(log, item.partitions, leftOut, this.from?.offsets ?? null);
    for (;;) {
      let record = merged.peekHeld();
      if (record === undefined) {
        if (signal.aborted) throw new BackfillError('interrupted', `Item ${item.id} was stopped on the way.`);
        onRecords?.(this.records);
        record = await merged.peek();
      }
      if (record === null) break;
      // Where a broker's clock went back, a record counts as from the newest instant before it.
      const at = Math.max(this.arrivedAt, record.recordAt);
      if (at > range.endAt) break;
      this.endDays(at);
      if (dayOf(at) !== dayOf(this.arrivedAt) && this.isWorthIt()) this.keep(merged);
      merged.take(record);
      this.arrivedAt = at;
      this.records++;
      this.reader.read(record, at);
    }
    this.endDays(range.endAt);
    this.fold.close();
    this.keep(merged);
    onRecords?.(this.records);
    return this.finish();
  }

  /**
   * Everybody is looked at up to every midnight before `until`, also those who do nothing: a run that ended at one of
   * them has its snapshots in the same order as this one.
   */
  private endDays(until: EpochMs): void {
    if (this.arrivedAt === -Infinity) return;
    for (let at = Math.ceil(this.arrivedAt / DAY_MS) * DAY_MS; at < until; at += DAY_MS)
      this.fold.snapshotsThrough(at);
  }

  /** A checkpoint writes every customer and costs about as much as folding one record of each. */
  private isWorthIt(): boolean {
    const { recordsPerCheckpoint = RECORDS_PER_CHECKPOINT } = this.options;
    return this.records - this.lastKept >= Math.max(recordsPerCheckpoint, 4 * this.fold.customers);
  }

  private keep(merged: MergedRecords): void {
    const { snapshots } = this.fold.state;
    const at = vectorBytes(snapshots);
    const vectors = snapshots.drain();
    const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
    for (let done = 0; done < bytes.length;)
      done += writeSync(this.vectors, bytes, done, bytes.length - done, at + done);
    fsyncSync(this.vectors);
    const { of, foldedBy, arrivedAt, records, reader } = this;
    writeWhole(
      this.files.checkpoint,
      encodeCheckpoint({
        of,
        foldedBy,
        offsets: merged.offsets(),
        mailPositions: reader.mailPositions,
        arrivedAt,
        records,
        state: this.fold.state,
      }),
    );
    this.lastKept = records;
    this.options.onCheckpoint?.();
  }

  private lastCheckpoint(): Checkpoint | null {
    const { checkpoint } = this.files;
    if (!existsSync(checkpoint)) return null;
    const found = decodeCheckpoint(readFileSync(checkpoint), checkpoint);
    // One without its vectors is of no use: the rows would be there, and zeros in place of their features.
    const isWhole = sizeOf(this.files.vectors) >= vectorBytes(found.state.snapshots);
    return found.of === this.of && isWhole ? found : null;
  }

  private takenUp(): Checkpoint | null {
    const { checkpoint, why } = takeUp(this.options, this.options.foldedBy, this.files.vectors);
    this.options.onTakenUp?.(checkpoint?.records ?? 0, why);
    return checkpoint;
  }

  private finish(): ItemDone {
    const { tracks, counts } = this.fold.state;
    const { rows } = this.fold.finish();
    const ids = [...tracks.keys()];
    const { groups, columns } = columnsOfRows(rows, new Map(ids.map((id, place) => [id, place])));
    const bytes = encodeColumns({ groups }, { ids: idsToColumn(ids), ...columns });
    writeWhole(this.files.rows, bytes);
    // After the rows: it moves time on, and whom time forgets has earned what he has.
    const latest = encodeColumns({}, { vectors: this.fold.latest().drain() });
    writeWhole(this.files.latest, latest);
    const done: ItemDone = {
      id: this.options.item.id,
      of: this.of,
      foldedBy: this.foldedBy,
      records: this.records,
      customers: ids.length,
      rows: rows.length,
      counts: { ...counts },
      rowsSha256: sha256(bytes),
      vectorsSha256: sha256OfFile(this.files.vectors),
      latestSha256: sha256(latest),
    };
    writeJson(this.files.done, done);
    return done;
  }
}
