/**
 * What an archive says of itself: one description, and a manifest a day. The same files give the same bytes, in
 * whatever order they were written.
 */
import { z } from 'zod';
import type { ArchivedTopic } from '../../schemas';
import { ARCHIVED_TOPICS } from '../../schemas';
import { ArchiveDamagedError } from './errors';
import { DESCRIPTION_NAME, MANIFEST_FOLDER, manifestName } from './names';
import type { ArchiveStorage } from './storage';

const offset = z.number().int().nonnegative();
const place = { topic: z.enum(ARCHIVED_TOPICS), partition: offset };

const FILE = z.strictObject({
  name: z.string(),
  ...place,
  /** Where the file before it ended. */
  first: offset,
  /** Where the next one begins. */
  end: offset,
  records: offset,
  /** Of the file. */
  bytes: offset,
  sha256: z.string().length(64),
  /** Of the records, ms. */
  firstRecordAt: z.number().int(),
  lastRecordAt: z.number().int(),
});
export type ArchivedFile = Readonly<z.infer<typeof FILE>>;

const MANIFEST = z.strictObject({
  version: z.literal(1),
  day: z.string().regex(/^\d{4}-\d{2}-\d{2}$/),
  files: z.array(FILE),
});

const GAP = z.strictObject({ ...place, from: offset, to: offset });
/** Offsets that retention removed before they were archived, and that somebody accepted. */
export type AcceptedGap = Readonly<z.infer<typeof GAP>>;

const DESCRIPTION = z.strictObject({
  version: z.literal(1),
  /** Of every input topic. */
  partitions: z.number().int().positive(),
  fileOffsets: z.number().int().positive(),
  fileBytes: z.number().int().positive(),
  gaps: z.array(GAP),
});
/** Written once, as boundaries depend on it; later only gaps are added. */
export type ArchiveDescription = Readonly<z.infer<typeof DESCRIPTION>>;

async function readJson<T>(storage: ArchiveStorage, name: string, shape: z.ZodType<T>): Promise<T | null> {
  const bytes = await storage.read(name);
  if (bytes === null) return null;
  try {
    return shape.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new ArchiveDamagedError(
      `${name} in ${storage.place} can't be read: ${why}. Restore it from a copy of the archive.`,
    );
  }
}

const writeJson = (storage: ArchiveStorage, name: string, value: unknown): Promise<void> =>
  storage.write(name, Buffer.from(`${JSON.stringify(value, null, 1)}\n`));

export const readDescription = (storage: ArchiveStorage): Promise<ArchiveDescription | null> =>
  readJson(storage, DESCRIPTION_NAME, DESCRIPTION);

export const writeDescription = (storage: ArchiveStorage, description: ArchiveDescription): Promise<void> =>
  writeJson(storage, DESCRIPTION_NAME, description);

const inOrder = (a: ArchivedFile, b: ArchivedFile): number =>
  ARCHIVED_TOPICS.indexOf(a.topic) - ARCHIVED_TOPICS.indexOf(b.topic) ||
  a.partition - b.partition ||
  a.first - b.first ||
  a.end - b.end;

/** Keys in one order, whoever built the entry. */
const canonical = (file: ArchivedFile): ArchivedFile => ({
  name: file.name,
  topic: file.topic,
  partition: file.partition,
  first: file.first,
  end: file.end,
  records: file.records,
  bytes: file.bytes,
  sha256: file.sha256,
  firstRecordAt: file.firstRecordAt,
  lastRecordAt: file.lastRecordAt,
});

/** Adds a file to its day; a file that was there already, from before a crash, is replaced by itself. */
export async function addToManifest(storage: ArchiveStorage, day: string, file: ArchivedFile): Promise<void> {
  const name = manifestName(day);
  const before = await readJson(storage, name, MANIFEST);
  const files = (before?.files ?? []).filter(other => other.name !== file.name);
  files.push(file);
  await writeManifest(storage, day, files);
}

/** All files of a day at once. */
export const writeManifest = (storage: ArchiveStorage, day: string, files: ArchivedFile[]): Promise<void> =>
  writeJson(storage, manifestName(day), { version: 1, day, files: files.sort(inOrder).map(canonical) });

/** Every file of every day, topic by topic and partition by partition, in the order of offsets. */
export async function readManifests(storage: ArchiveStorage): Promise<ArchivedFile[]> {
  const files: ArchivedFile[] = [];
  for (const name of await storage.list(MANIFEST_FOLDER))
    files.push(...((await readJson(storage, name, MANIFEST))?.files ?? []));
  return files.sort(inOrder);
}

/** `topic/partition`, to look things up by. */
export const placeKey = (topic: ArchivedTopic, partition: number): string => `${topic}/${partition}`;
