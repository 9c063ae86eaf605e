/**
 * An archive of records that no log has held: history from files. The same records give the same files, as boundaries
 * follow from them (boundaries.ts).
 */
import { createHash } from 'node:crypto';
import type { EpochMs, InputTopic } from '../../schemas';
import { take } from './boundaries';
import type { Bounds, OpenFile } from './boundaries';
import { encodeFile } from './container';
import type { ArchivedRow } from './container';
import { placeKey, writeDescription, writeManifest } from './manifest';
import type { ArchivedFile } from './manifest';
import { dayText, fileName } from './names';
import type { ArchiveStorage } from './storage';

export interface ImportedRecord {
  topic: InputTopic;
  partition: number;
  recordAt: EpochMs;
  key: string;
  value: Uint8Array;
}

interface Place {
  topic: InputTopic;
  partition: number;
  open: OpenFile | null;
  rows: ArchivedRow[];
  nextOffset: number;
}

const FILE_BYTES = 16 * 1024 * 1024;
/** Files on their way to the storage: most of a write is waiting. */
const WRITES = 32;

export class ArchiveImport {
  private readonly places = new Map<string, Place>();
  private readonly byDay = new Map<string, ArchivedFile[]>();
  private readonly bounds: Bounds;
  private readonly writes = new Set<Promise<void>>();

  constructor(
    private readonly storage: ArchiveStorage,
    private readonly partitions: number,
    fileOffsets: number,
  ) {
    this.bounds = { fileOffsets, fileBytes: FILE_BYTES };
  }

  /** Records of one topic and partition come in the order of their offsets. */
  async add({ topic, partition, recordAt, key, value }: ImportedRecord): Promise<void> {
    const place = this.placeOf(topic, partition);
    const row = { offset: place.nextOffset++, recordAt, key, value: Buffer.from(value), fault: null };
    const { open, closed } = take(place.open, 0, row, this.bounds);
    if (closed !== null) await this.write(place, closed);
    place.open = open;
    place.rows.push(row);
  }

  /** Writes what is open, the manifests, and last the description: without it there is no archive. */
  async finish(): Promise<void> {
    for (const place of this.places.values()) if (place.open !== null) await this.write(place, place.open);
    await Promise.all(this.writes);
    for (const [day, files] of this.byDay) await this.begin(writeManifest(this.storage, day, files));
    await Promise.all(this.writes);
    const { partitions, bounds } = this;
    await writeDescription(this.storage, { version: 1, partitions, ...bounds, gaps: [] });
  }

  /** Waits for one of the writes when there are many. One that failed stays, so that the next wait meets its error. */
  private async begin(write: Promise<void>): Promise<void> {
    const begun = write.then(() => void this.writes.delete(begun));
    begun.catch(() => undefined);
    this.writes.add(begun);
    if (this.writes.size >= WRITES) await Promise.race(this.writes);
  }

  private placeOf(topic: InputTopic, partition: number): Place {
    const key = placeKey(topic, partition);
    let place = this.places.get(key);
    if (place === undefined) {
      place = { topic, partition, open: null, rows: [], nextOffset: 0 };
      this.places.set(key, place);
    }
    return place;
  }

  private async write(place: Place, { day, first, end }: OpenFile): Promise<void> {
    const { topic, partition, rows } = place;
    const name = fileName({ topic, partition, day, first, end });
    const bytes = encodeFile(name, rows);
    await this.begin(this.storage.write(name, bytes));
    const text = dayText(day);
    const files = this.byDay.get(text) ?? [];
    files.push({
      ...{ name, topic, partition, first, end, records: rows.length, bytes: bytes.length },
      sha256: createHash('sha256').update(bytes).digest('hex'),
      firstRecordAt: rows.reduce((least, { recordAt }) => Math.min(least, recordAt), Infinity),
      lastRecordAt: rows.reduce((most, { recordAt }) => Math.max(most, recordAt), -Infinity),
    });
    this.byDay.set(text, files);
    place.rows = [];
  }
}
