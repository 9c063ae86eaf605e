/** The archive as a log that lanes read: what was archived, and nothing after it. At most one file a topic in memory. */
import type { ArchivedTopic, InputTopic, Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import { OffsetOutOfRangeError } from '../../processors/ports';
import type { EventLog, LogRecord, TopicBatch } from '../../processors/ports';
import { partitionOf } from '../partitioner';
import type { ArchivedRow } from './container';
import type { Coverage } from './coverage';
import { coverageOf, holeInWords } from './coverage';
import { ArchiveDamagedError } from './errors';
import type { ArchivedFile } from './manifest';
import { placeKey, readDescription, readManifests } from './manifest';
import { readRows } from './rows';
import type { ArchiveStorage } from './storage';
import { noArchive } from './verify';

export interface OpenArchive {
  /** Of every input topic. */
  partitions: number;
  /** Of every topic and partition that has a file. */
  coverage: readonly Coverage[];
  /** The same of the inputs alone: what a state is rebuilt from. */
  inputs: readonly InputCoverage[];
  /** Files in the order of topics, partitions and offsets. */
  files: readonly ArchivedFile[];
  /** A log for one reader at a time of each partition. `overHoles`: somebody has decided to go without what is lost. */
  log(how?: { overHoles: boolean }): ArchiveEventLog;
}

export type InputCoverage = Coverage & { topic: InputTopic };

const isOfInput = (one: Coverage): one is InputCoverage =>
  (INPUT_TOPICS as readonly ArchivedTopic[]).includes(one.topic);

/** @throws ArchiveRefusedError where there is no archive, ArchiveDamagedError for a manifest */
export async function openArchive(storage: ArchiveStorage): Promise<OpenArchive> {
  const description = await readDescription(storage);
  if (description === null) throw noArchive(storage);
  const files = await readManifests(storage);
  const coverage = coverageOf(files, description);
  const { partitions } = description;
  const inputs = coverage.filter(isOfInput);
  const log = ({ overHoles } = { overHoles: false }): ArchiveEventLog =>
    new ArchiveEventLog(
      storage,
      partitions,
      files,
      overHoles ? coverage.map(one => ({ ...one, holes: [] })) : coverage,
    );
  return { partitions, coverage, inputs, files, log };
}

const NO_BYTES = new Uint8Array(0);

/** Files of a topic and partition, in the order of their offsets. */
interface Shelf extends Pick<Coverage, 'start' | 'end' | 'holes'> {
  files: ArchivedFile[];
}

export class ArchiveEventLog implements EventLog {
  private readonly shelves = new Map<string, Shelf>();
  /** The file that was read last, by place. */
  private readonly held = new Map<string, { name: string; rows: ArchivedRow[] }>();

  constructor(
    private readonly storage: ArchiveStorage,
    readonly partitions: number,
    files: readonly ArchivedFile[],
    coverage: readonly Coverage[],
  ) {
    for (const { topic, partition, start, end, holes } of coverage)
      this.shelves.set(placeKey(topic, partition), { start, end, holes, files: [] });
    for (const file of files) this.shelves.get(placeKey(file.topic, file.partition))!.files.push(file);
  }

  partitionOf(key: string): number {
    return partitionOf(key, this.partitions);
  }

  private shelf(topic: InputTopic, partition: number): Shelf {
    return this.shelves.get(placeKey(topic, partition)) ?? { start: 0, end: 0, holes: [], files: [] };
  }

  private positions(partition: number, of: (shelf: Shelf) => number): Promise<Positions> {
    const entries = INPUT_TOPICS.map(topic => [topic, of(this.shelf(topic, partition))] as const);
    return Promise.resolve(Object.fromEntries(entries) as unknown as Positions);
  }

  starts(partition: number): Promise<Positions> {
    return this.positions(partition, ({ start }) => start);
  }

  ends(partition: number): Promise<Positions> {
    return this.positions(partition, ({ end }) => end);
  }

  /** @throws ArchiveDamagedError where offsets are missing, OffsetOutOfRangeError */
  async read(
    partition: number,
    from: Positions,
    maxRecords: number,
    topics: readonly InputTopic[] = INPUT_TOPICS,
  ): Promise<TopicBatch[]> {
    const batches: TopicBatch[] = [];
    for (const topic of topics) batches.push(await this.readTopic(topic, partition, from[topic], maxRecords));
    return batches;
  }

  private async readTopic(
    topic: InputTopic,
    partition: number,
    from: number,
    maxRecords: number,
  ): Promise<TopicBatch> {
    const { start, end, holes, files } = this.shelf(topic, partition);
    if (from < start || from > end) throw new OffsetOutOfRangeError(topic, partition, from, start, end);
    const file = files[indexAfter(files, from, ({ end: fileEnd }) => fileEnd)];
    if (file === undefined) return { topic, records: [], nextOffset: end, atEnd: true };
    const hole = holes.find(lost => lost.to > from && lost.from < file.first);
    if (hole !== undefined) throw new ArchiveDamagedError(holeInWords({ topic, partition }, hole));
    const rows = await this.rowsOf(file);
    const first = indexAfter(rows, from, ({ offset }) => offset + 1);
    const page = rows.slice(first, first + maxRecords);
    const nextOffset = first + page.length < rows.length ? page.at(-1)!.offset + 1 : file.end;
    if (nextOffset === file.end) this.held.delete(placeKey(topic, partition));
    const records = page.map(row => recordOf(topic, partition, row));
    return { topic, records, nextOffset, atEnd: nextOffset >= end };
  }

  private async rowsOf(file: ArchivedFile): Promise<ArchivedRow[]> {
    const { name } = file;
    const key = placeKey(file.topic, file.partition);
    const held = this.held.get(key);
    if (held?.name === name) return held.rows;
    const rows = await readRows(this.storage, file);
    this.held.set(key, { name, rows });
    return rows;
  }

  /** An archive has no consumers. */
  committed(): Promise<null> {
    return Promise.resolve(null);
  }

  append(): Promise<number> {
    return Promise.reject(new Error('An archive is read-only: nothing is appended to it.'));
  }
}

const recordOf = (
  topic: InputTopic,
  partition: number,
  { offset, recordAt, key, value, fault }: ArchivedRow,
): LogRecord => ({
  topic,
  partition,
  offset,
  recordAt,
  key,
  value: value ?? NO_BYTES,
  ...(fault === null ? {} : { fault }),
});

/** Index of the first item that ends behind `offset`; the items are in order. */
function indexAfter<T>(items: readonly T[], offset: number, endOf: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (endOf(items[middle]!) > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
