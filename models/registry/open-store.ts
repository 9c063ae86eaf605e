/** A location as a registry's store. */
import { isBucketAddress, parseBucketAddress } from '../../streams/bucket';
import type { S3Access } from '../../streams/bucket';
import { ArtifactError } from '../errors';
import { DirectoryStore } from './directory-store';
import { S3Store } from './s3-store';
import type { RegistryStore } from './store';

export type { S3Access };

/** `location`: an absolute path, or s3://bucket/prefix. Throws `ArtifactError` (`location-malformed`). */
export function openStore(
  location: string,
  access: S3Access = { endpoint: '', region: 'us-east-1' },
): RegistryStore {
  if (!isBucketAddress(location)) return new DirectoryStore(location);
  const address = parseBucketAddress(location);
  if (address === null) throw new ArtifactError('location-malformed', location, 'it names no bucket');
  return new S3Store({ ...address, ...access });
}
