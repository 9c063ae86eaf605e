/** What an archive refuses. Every message names the object or the partition, and the next step. */
import type { ArchivedTopic } from '../../schemas';

/** An object is not what its manifest, or its format, says. */
export class ArchiveDamagedError extends Error {
  override readonly name = 'ArchiveDamagedError';
}

/** The archive and what it is asked to do don't fit together. */
export class ArchiveRefusedError extends Error {
  override readonly name = 'ArchiveRefusedError';
}

/** Retention was faster than the archive. */
export class ArchiveGapError extends Error {
  override readonly name = 'ArchiveGapError';
  constructor(
    readonly topic: ArchivedTopic,
    readonly partition: number,
    readonly from: number,
    readonly to: number,
  ) {
    super(
      `Retention has overtaken the archive: partition ${partition} of ${topic} was archived up to offset ${from}, Kafka begins at ${to}. Offsets ${from} to ${to - 1} are lost to the archive.`,
    );
  }
}

/** The folder or the bucket does not do what it is asked. */
export class ArchiveUnreachableError extends Error {
  override readonly name = 'ArchiveUnreachableError';
}
