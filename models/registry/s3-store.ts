/** A bucket as a registry: a put is all or nothing; `If-Match` and `If-None-Match` are its compare-and-set. */
import {
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { ArtifactError } from '../errors';
import type { RegistryStore, StoredObject } from './store';

export interface S3Place {
  bucket: string;
  /** Empty, or ends with a slash. */
  prefix: string;
  /** S3-compatible server; empty: Amazon. */
  endpoint: string;
  region: string;
}

/** What the server is asked with before it is trusted; no model has such a name. */
const PROBE = '_probe/conditional-writes';
const NO_TAG = '"00000000000000000000000000000000"';

export class S3Store implements RegistryStore {
  readonly place: string;
  private readonly client: S3Client;
  private checked: Promise<void> | null = null;

  /** Credentials come from the AWS environment variables, as everywhere. */
  constructor(private readonly at: S3Place) {
    const { bucket, prefix, endpoint, region } = at;
    this.place = `s3://${bucket}/${prefix}`;
    // Servers other than Amazon's know buckets by path only.
    this.client = new S3Client({ region, ...(endpoint === '' ? {} : { endpoint, forcePathStyle: true }) });
  }

  async list(prefix: string): Promise<string[]> {
    const names: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await this.client
        .send(
          new ListObjectsV2Command({
            Bucket: this.at.bucket,
            Prefix: this.at.prefix + prefix,
            ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
          }),
        )
        .catch((error: unknown) => this.unreachable(prefix, error));
      for (const { Key } of page.Contents ?? []) names.push(Key!.slice(this.at.prefix.length));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return names
      .filter(name => name !== PROBE || prefix === PROBE)
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  async read(name: string, limit: number): Promise<StoredObject | null> {
    try {
      const { Body, ContentLength, ETag } = await this.client.send(
        new GetObjectCommand({ Bucket: this.at.bucket, Key: this.at.prefix + name }),
      );
      if (ContentLength === undefined || ContentLength > limit) {
        (Body as { destroy?: () => void } | undefined)?.destroy?.();
        throw new ArtifactError(
          'file-oversize',
          name,
          `it has ${ContentLength ?? 'unknown'} bytes, more than the limit of ${limit}`,
        );
      }
      return { bytes: Buffer.from(await Body!.transformToByteArray()), tag: ETag! };
    } catch (error) {
      if (error instanceof NoSuchKey) return null;
      if (error instanceof ArtifactError) throw error;
      return this.unreachable(name, error);
    }
  }

  async swap(name: string, bytes: Uint8Array, expected: string | null): Promise<boolean> {
    this.checked ??= this.checkConditions();
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
    this.client.destroy();
  }

  private async put(name: string, bytes: Uint8Array, expected: string | null): Promise<boolean> {
    try {
      await this.client.send(
        new PutObjectCommand({
          Bucket: this.at.bucket,
          Key: this.at.prefix + name,
          Body: bytes,
          ...(expected === null ? { IfNoneMatch: '*' } : { IfMatch: expected }),
        }),
      );
      return true;
    } catch (error) {
      // 409: another conditional put is under way; 404: what was to be replaced is gone.
      const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      if (status === 412 || status === 409 || error instanceof NoSuchKey) return false;
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
    const { name: kind = '', message = '', code = '' } = error as Partial<Error & { code: string }>;
    const why = [...new Set([code || kind, message])].filter(text => text !== '').join(': ');
    throw new ArtifactError('registry-unreachable', this.place + name, why.replace(/\.$/, ''), {
      cause: error,
    });
  }
}
