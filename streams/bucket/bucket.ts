/** The objects of a bucket under a prefix: what the archive and the registry of models have in common. */
import type { S3Client, S3ServiceException } from '@aws-sdk/client-s3';

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

/** Loaded by the first request: a sixth of what a processor loads when it starts, and most have no bucket. */
const loadSdk = () => import('@aws-sdk/client-s3');
interface Opened {
  sdk: Awaited<ReturnType<typeof loadSdk>>;
  client: S3Client;
}

/** Not so of a bucket that is not there. */
export const isNoSuchKey = (error: unknown): boolean => (error as Partial<Error>).name === 'NoSuchKey';

/** What the server answered that was no success; undefined where it did not answer. */
export const statusOf = (error: unknown): number | undefined =>
  (error as Partial<S3ServiceException>).$metadata?.httpStatusCode;

/** A put is all or nothing, and there once it is answered. Throws what the client throws. */
export class Bucket {
  /** s3://bucket/prefix */
  readonly place: string;
  private opened: Promise<Opened> | null = null;

  /** Credentials come from the AWS environment variables, as everywhere. */
  constructor(private readonly at: S3Place) {
    this.place = `s3://${at.bucket}/${at.prefix}`;
  }

  private open(): Promise<Opened> {
    return (this.opened ??= this.connect());
  }

  private async connect(): Promise<Opened> {
    const { endpoint, region, silenceMs = SILENCE_MS } = this.at;
    const sdk = await loadSdk();
    const client = new sdk.S3Client({
      region,
      requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: silenceMs },
      // Servers other than Amazon's know buckets by path only.
      ...(endpoint === '' ? {} : { endpoint, forcePathStyle: true }),
    });
    return { sdk, client };
  }

  /** Names of all objects that begin so, sorted by their bytes. */
  async list(prefix: string): Promise<string[]> {
    const { sdk, client } = await this.open();
    const names: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(
        new sdk.ListObjectsV2Command({
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
    const { sdk, client } = await this.open();
    try {
      const { Body, ContentLength, ETag } = await client.send(
        new sdk.GetObjectCommand({ Bucket: this.at.bucket, Key: this.at.prefix + name }),
      );
      return {
        length: ContentLength,
        tag: ETag!,
        bytes: async () => Buffer.from(await Body!.transformToByteArray()),
        refuse: () => (Body as { destroy?: () => void } | undefined)?.destroy?.(),
      };
    } catch (error) {
      if (isNoSuchKey(error)) return null;
      throw error;
    }
  }

  async put(name: string, bytes: Uint8Array, condition?: WriteCondition): Promise<void> {
    const { sdk, client } = await this.open();
    await client.send(
      new sdk.PutObjectCommand({
        Bucket: this.at.bucket,
        Key: this.at.prefix + name,
        Body: bytes,
        ...condition,
      }),
    );
  }

  close(): void {
    void this.opened?.then(
      ({ client }) => client.destroy(),
      () => undefined,
    );
  }
}
