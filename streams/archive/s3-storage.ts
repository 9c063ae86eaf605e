/** A bucket as the archive's storage. */
import { Bucket } from '../bucket';
import type { S3Place } from '../bucket';
import type { ArchiveStorage } from './storage';

export class S3Storage implements ArchiveStorage {
  readonly place: string;
  private readonly bucket: Bucket;

  constructor(at: S3Place) {
    this.bucket = new Bucket(at);
    this.place = this.bucket.place;
  }

  list(prefix: string): Promise<string[]> {
    return this.bucket.list(prefix);
  }

  async read(name: string): Promise<Buffer | null> {
    const found = await this.bucket.get(name);
    return found === null ? null : found.bytes();
  }

  write(name: string, bytes: Uint8Array): Promise<void> {
    return this.bucket.put(name, bytes);
  }

  close(): void {
    this.bucket.close();
  }
}
