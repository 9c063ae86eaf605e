/** `archive.location` as a storage. */
import { isBucketAddress, parseBucketAddress, reasonOf } from '../bucket';
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
  if (!isBucketAddress(location)) return inOurWords(new FolderStorage(location));
  const address = parseBucketAddress(location);
  if (address === null)
    throw new ArchiveRefusedError(
      `archive.location ${location} names no bucket: write s3://bucket or s3://bucket/prefix.`,
    );
  return inOurWords(new S3Storage({ ...address, endpoint: s3Endpoint, region: s3Region }));
}

/** Errors name the place. */
function inOurWords(storage: ArchiveStorage): ArchiveStorage {
  const { place } = storage;
  const said = (error: unknown): never => {
    throw new ArchiveUnreachableError(`${place}: ${reasonOf(error)}.`, { cause: error });
  };
  return {
    place,
    list: prefix => storage.list(prefix).catch(said),
    read: name => storage.read(name).catch(said),
    write: (name, bytes) => storage.write(name, bytes).catch(said),
    close: () => storage.close(),
  };
}
