/** The archive of the input topics and the scores: Avro container files with boundaries that follow from the data. */
export { Archiver } from './archiver';
export type { ArchiverOptions } from './archiver';
export { holeInWords } from './coverage';
export type { Coverage } from './coverage';
export { ArchiveDamagedError, ArchiveGapError, ArchiveRefusedError, ArchiveUnreachableError } from './errors';
export { openArchive } from './event-log';
export type { OpenArchive } from './event-log';
export type { ArchivedFile } from './manifest';
export { ArchiveImport } from './import';
export { EventLogSource } from './log-source';
export { openStorage } from './open-storage';
export type { ArchiveLocation } from './open-storage';
export { KafkaSource } from './kafka-source';
export { readRows } from './rows';
export type { ArchiveSource } from './source';
export type { ArchiveStorage } from './storage';
export { verifyArchive } from './verify';
