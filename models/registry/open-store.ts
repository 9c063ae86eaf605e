/** A location as a registry's store. */
import { ArtifactError } from '../errors';
import { DirectoryStore } from './directory-store';
import { S3Store } from './s3-store';
import type { RegistryStore } from './store';

/** How a bucket is reached; without it Amazon's in us-east-1. */
export interface S3Access {
  endpoint: string;
  region: string;
}

/** `location`: an absolute path, or s3://bucket/prefix. Throws `ArtifactError` (`location-malformed`). */
export function openStore(
  location: string,
  { endpoint, region }: S3Access = { endpoint: '', region: 'us-east-1' },
): RegistryStore {
  if (!location.startsWith('s3://')) return new DirectoryStore(location);
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)\/?(.*?)\/*$/.exec(location) ?? [];
  if (bucket === '') throw new ArtifactError('location-malformed', location, 'it names no bucket');
  return new S3Store({ bucket, prefix: path === '' ? '' : `${path}/`, endpoint, region });
}
