/** A bucket as the archive's storage: a put is all or nothing, and there once it is answered. */
import {
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { ArchiveStorage } from './storage';

export interface S3Place {
  bucket: string;
  /** Empty, or ends with a slash. */
  prefix: string;
  /** S3-compatible server; empty: Amazon. */
  endpoint: string;
  region: string;
}

export class S3Storage implements ArchiveStorage {
  readonly place: string;
  private readonly client: S3Client;

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
      const page = await this.client.send(
        new ListObjectsV2Command({
          Bucket: this.at.bucket,
          Prefix: this.at.prefix + prefix,
          ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
        }),
      );
      for (const { Key } of page.Contents ?? []) names.push(Key!.slice(this.at.prefix.length));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  async read(name: string): Promise<Buffer | null> {
    try {
      const { Body } = await this.client.send(
        new GetObjectCommand({ Bucket: this.at.bucket, Key: this.at.prefix + name }),
      );
      return Buffer.from(await Body!.transformToByteArray());
    } catch (error) {
      if (error instanceof NoSuchKey) return null;
      throw error;
    }
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    await this.client.send(
      new PutObjectCommand({ Bucket: this.at.bucket, Key: this.at.prefix + name, Body: bytes }),
    );
  }

  close(): void {
    this.client.destroy();
  }
}
