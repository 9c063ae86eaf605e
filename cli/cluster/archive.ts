/** The archive as commands open it: storage from the settings, errors in our words. */
import {
  ArchiveDamagedError,
  ArchiveGapError,
  ArchiveRefusedError,
  ArchiveUnreachableError,
  openStorage,
} from '../../streams/archive';
import type { ArchiveStorage } from '../../streams/archive';
import type { Context } from '../context';
import { CliError } from '../errors';

/** What the archive threw as a `CliError`; anything else as it is. */
function inArchiveWords(error: unknown): unknown {
  if (error instanceof ArchiveGapError) return new CliError('archive-gap', error.message);
  if (error instanceof ArchiveDamagedError) return new CliError('archive-damaged', error.message);
  if (error instanceof ArchiveRefusedError) return new CliError('archive-refused', error.message);
  if (error instanceof ArchiveUnreachableError) return new CliError('archive-unreachable', error.message);
  return error;
}

/** @throws CliError archive-unreachable, archive-damaged, archive-refused, archive-gap */
export async function withArchive<T>(
  context: Context,
  work: (storage: ArchiveStorage) => Promise<T>,
  /** The setting, unless another place is given. */
  given: string = context.settings.values['archive.location'],
): Promise<T> {
  const { values } = context.settings;
  let storage: ArchiveStorage | null = null;
  try {
    storage = openStorage({
      location: given.startsWith('s3://') ? given : context.path(given),
      s3Endpoint: values['archive.s3Endpoint'],
      s3Region: values['archive.s3Region'],
    });
    return await work(storage);
  } catch (error) {
    throw inArchiveWords(error);
  } finally {
    storage?.close();
  }
}
