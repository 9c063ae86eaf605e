/** A bucket as a registry: `If-Match` and `If-None-Match` are its compare-and-set. */
import { Bucket, isNoSuchKey, reasonOf, statusOf } from '../../streams/bucket';
import type { S3Place } from '../../streams/bucket';
import { ArtifactError } from '../errors';
import type { RegistryStore, StoredObject } from './store';

/** What the server is asked with before it is trusted; no model has such a name. */
const PROBE = '_probe/conditional-writes';
const NO_TAG = '"00000000000000000000000000000000"';

export class S3Store implements RegistryStore {
  readonly place: string;
  private readonly bucket: Bucket;
  private checked: Promise<void> | null = null;

  constructor(at: S3Place) {
    this.bucket = new Bucket(at);
    this.place = this.bucket.place;
  }

  async list(prefix: string): Promise<string[]> {
    const names = await this.bucket.list(prefix).catch((error: unknown) => this.unreachable(prefix, error));
    return names.filter(name => name !== PROBE || prefix === PROBE);
  }

  async read(name: string, limit: number): Promise<StoredObject | null> {
    try {
      const found = await this.bucket.get(name);
      if (found === null) return null;
      const { length, tag } = found;
      if (length === undefined || length > limit) {
        found.refuse();
        throw new ArtifactError(
          'file-oversize',
          name,
          `it has ${length ?? 'unknown'} bytes, more than the limit of ${limit}`,
        );
      }
      return { bytes: await found.bytes(), tag };
    } catch (error) {
      if (error instanceof ArtifactError) throw error;
      return this.unreachable(name, error);
    }
  }

  async swap(name: string, bytes: Uint8Array, expected: string | null): Promise<boolean> {
    this.checked ??= this.checkConditions().catch((error: unknown) => {
      // A server that could not be asked now may answer the next time: a processor lives for months.
      this.checked = null;
      throw error;
    });
    await this.checked;
    if (await this.put(name, bytes, expected)) return true;
    // The client asks again when an answer is lost: then it was beaten by itself.
    const there = await this.read(name, bytes.length).catch((error: unknown) => {
      if (error instanceof ArtifactError && error.code === 'file-oversize') return null;
      throw error;
    });
    return there !== null && Buffer.compare(there.bytes, bytes) === 0;
  }

  close(): void {
    this.bucket.close();
  }

  private async put(name: string, bytes: Uint8Array, expected: string | null): Promise<boolean> {
    try {
      await this.bucket.put(name, bytes, expected === null ? { IfNoneMatch: '*' } : { IfMatch: expected });
      return true;
    } catch (error) {
      // 409: another conditional put is under way; without a key, what was to be replaced is gone.
      if ([409, 412].includes(statusOf(error) ?? 0) || isNoSuchKey(error)) return false;
      return this.unreachable(name, error);
    }
  }

  /** A server that ignores conditions would let two publishers win: it is asked before the first write. */
  private async checkConditions(): Promise<void> {
    const probe = Buffer.from('Asks whether this server honours If-None-Match and If-Match.\n');
    await this.put(PROBE, probe, null);
    const ignored = [];
    if (await this.put(PROBE, probe, null)) ignored.push('If-None-Match');
    if (await this.put(PROBE, probe, NO_TAG)) ignored.push('If-Match');
    if (ignored.length > 0)
      throw new ArtifactError('registry-unsafe', this.place, `the server ignores ${ignored.join(' and ')}`);
  }

  private unreachable(name: string, error: unknown): never {
    throw new ArtifactError('registry-unreachable', this.place + name, reasonOf(error), { cause: error });
  }
}
