/** `archive.location` as a storage. */
import { FolderStorage } from './folder-storage';
import { S3Storage } from './s3-storage';
import type { ArchiveStorage } from './storage';
import { ArchiveRefusedError, ArchiveUnreachableError } from './errors';

export interface ArchiveLocation {
  /** An absolute path, or s3://bucket/prefix. */
  location: string;
  s3Endpoint: string;
  s3Region: string;
}

/** @throws ArchiveRefusedError for an address without a bucket */
export function openStorage({ location, s3Endpoint, s3Region }: ArchiveLocation): ArchiveStorage {
  if (!location.startsWith('s3://')) return inOurWords(new FolderStorage(location));
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)\/?(.*?)\/*$/.exec(location) ?? [];
  if (bucket === '')
    throw new ArchiveRefusedError(
      `archive.location ${location} names no bucket: write s3://bucket or s3://bucket/prefix.`,
    );
  const prefix = path === '' ? '' : `${path}/`;
  return inOurWords(new S3Storage({ bucket, prefix, endpoint: s3Endpoint, region: s3Region }));
}

/** Errors name the place: those of a bucket often have no message at all. */
function inOurWords(storage: ArchiveStorage): ArchiveStorage {
  const { place } = storage;
  const said = (error: Error & { code?: string }): never => {
    const why = [...new Set([error.code ?? error.name, error.message])]
      .filter(text => text !== '')
      .join(': ');
    throw new ArchiveUnreachableError(`${place}: ${why.replace(/\.$/, '')}.`, { cause: error });
  };
  return {
    place,
    list: prefix => storage.list(prefix).catch(said),
    read: name => storage.read(name).catch(said),
    write: (name, bytes) => storage.write(name, bytes).catch(said),
    close: () => storage.close(),
  };
}
