/** The objects of a bucket under a prefix: what the archive and the registry of models have in common. */
import {
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

/** How a bucket is reached. */
export interface S3Access {
  /** S3-compatible server; empty: Amazon. */
  endpoint: string;
  region: string;
  /** A server that says nothing for so long is asked again, three times in all; ms. */
  silenceMs?: number;
}

export interface S3Place extends S3Access {
  bucket: string;
  /** Empty, or ends with a slash. */
  prefix: string;
}

/** One object as the server answers it: its bytes are still to come. */
export interface ArrivingObject {
  /** Bytes that the server announces. */
  length: number | undefined;
  tag: string;
  bytes(): Promise<Buffer>;
  /** Ends the transfer. */
  refuse(): void;
}

/** Of a write: the object is not there yet, or has this tag. */
export type WriteCondition = { IfNoneMatch: '*' } | { IfMatch: string };

export const isBucketAddress = (location: string): boolean => location.startsWith('s3://');

/** s3://bucket/prefix in its parts; null where it names no bucket. */
export function parseBucketAddress(location: string): { bucket: string; prefix: string } | null {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)\/?(.*?)\/*$/.exec(location) ?? [];
  return bucket === '' ? null : { bucket, prefix: path === '' ? '' : `${path}/` };
}

/** Errors of a bucket often have a code or a name and no message. No full stop at the end. */
export function reasonOf(error: unknown): string {
  const { name = '', message = '', code = '' } = error as Partial<Error & { code: string }>;
  const parts = [...new Set([code || name, message])].filter(text => text !== '');
  return parts.join(': ').replace(/\.$/, '');
}

/** The client by itself waits for ever: for a network that swallows packets, and whoever must end in time with it. */
const CONNECT_MS = 5_000;
const SILENCE_MS = 30_000;

/** A put is all or nothing, and there once it is answered. Throws what the client throws. */
export class Bucket {
  /** s3://bucket/prefix */
  readonly place: string;
  private readonly client: S3Client;

  /** Credentials come from the AWS environment variables, as everywhere. */
  constructor(private readonly at: S3Place) {
    const { bucket, prefix, endpoint, region, silenceMs = SILENCE_MS } = at;
    this.place = `s3://${bucket}/${prefix}`;
    // Servers other than Amazon's know buckets by path only.
    this.client = new S3Client({
      region,
      requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: silenceMs },
      ...(endpoint === '' ? {} : { endpoint, forcePathStyle: true }),
    });
  }

  /** Names of all objects that begin so, sorted by their bytes. */
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

  /** null: there is no such object. */
  async get(name: string): Promise<ArrivingObject | null> {
    try {
      const { Body, ContentLength, ETag } = await this.client.send(
        new GetObjectCommand({ Bucket: this.at.bucket, Key: this.at.prefix + name }),
      );
      return {
        length: ContentLength,
        tag: ETag!,
        bytes: async () => Buffer.from(await Body!.transformToByteArray()),
        refuse: () => (Body as { destroy?: () => void } | undefined)?.destroy?.(),
      };
    } catch (error) {
      if (error instanceof NoSuchKey) return null;
      throw error;
    }
  }

  async put(name: string, bytes: Uint8Array, condition?: WriteCondition): Promise<void> {
    await this.client.send(
      new PutObjectCommand({
        Bucket: this.at.bucket,
        Key: this.at.prefix + name,
        Body: bytes,
        ...condition,
      }),
    );
  }

  close(): void {
    this.client.destroy();
  }
}
