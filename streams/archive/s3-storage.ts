/** A bucket as the archive's storage. */
import { Bucket } from '../bucket';
import type { S3Place } from '../bucket';
import type { ArchiveStorage } from './storage';

const ATTEMPTS = 3;

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

  /** The client repeats a request that fails, but not an answer that breaks off. */
  async read(name: string): Promise<Buffer | null> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.bucket.get(name);
      if (found === null) return null;
      try {
        return await found.bytes();
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  write(name: string, bytes: Uint8Array): Promise<void> {
    return this.bucket.put(name, bytes);
  }

  close(): void {
    this.bucket.close();
  }
}
