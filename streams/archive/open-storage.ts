/** `archive.location` as a storage. */
import { FolderStorage } from './folder-storage';
import { S3Storage } from './s3-storage';
import type { ArchiveStorage } from './storage';
import { ArchiveRefusedError } from './errors';

export interface ArchiveLocation {
  /** An absolute path, or s3://bucket/prefix. */
  location: string;
  s3Endpoint: string;
  s3Region: string;
}

/** @throws ArchiveRefusedError for an address without a bucket */
export function openStorage({ location, s3Endpoint, s3Region }: ArchiveLocation): ArchiveStorage {
  if (!location.startsWith('s3://')) return new FolderStorage(location);
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)\/?(.*?)\/*$/.exec(location) ?? [];
  if (bucket === '')
    throw new ArchiveRefusedError(
      `archive.location ${location} names no bucket: write s3://bucket or s3://bucket/prefix.`,
    );
  const prefix = path === '' ? '' : `${path}/`;
  return new S3Storage({ bucket, prefix, endpoint: s3Endpoint, region: s3Region });
}
