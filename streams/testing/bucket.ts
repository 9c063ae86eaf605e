/** A bucket of a real S3-compatible server, for tests; credentials go into the environment while it runs. */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateBucketCommand, PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { startS3 } from './servers';

interface S3Access {
  endpoint: string;
  region: string;
}

interface TestBucket {
  name: string;
  access: S3Access;
  /** What the server makes of a put whose condition does not hold. */
  conditionalPuts(): Promise<{ ifNoneMatch: string; ifMatch: string }>;
  /** The same bucket behind a door that drops the conditions, as some older servers do. */
  withoutConditions(): Promise<{ access: S3Access; stop(): Promise<void> }>;
  stop(): Promise<void>;
}

export async function startBucket(): Promise<TestBucket> {
  const before = { ...process.env };
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  const server = await startS3();
  const access = { endpoint: server.endpoint, region: 'us-east-1' };
  const client = new S3Client({ ...access, forcePathStyle: true });
  const name = 'models';
  await client.send(new CreateBucketCommand({ Bucket: name }));
  return {
    name,
    access,
    conditionalPuts: () => conditionalPuts(client, name),
    withoutConditions: () => withoutConditions(server.endpoint),
    stop: async () => {
      process.env = before;
      client.destroy();
      await server.stop();
    },
  };
}

async function conditionalPuts(client: S3Client, Bucket: string) {
  const put = (condition: object) =>
    client.send(new PutObjectCommand({ Bucket, Key: 'condition', Body: 'x', ...condition })).then(
      () => 'ignored',
      (error: unknown) =>
        error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412
          ? 'refused'
          : String(error),
    );
  await put({});
  return {
    ifNoneMatch: await put({ IfNoneMatch: '*' }),
    ifMatch: await put({ IfMatch: '"00000000000000000000000000000000"' }),
  };
}

async function withoutConditions(endpoint: string): Promise<{ access: S3Access; stop(): Promise<void> }> {
  const behind = new URL(endpoint);
  const door = createServer((asked, answer) => {
    const headers = { ...asked.headers };
    delete headers['if-match'];
    delete headers['if-none-match'];
    const passed = request(
      { host: behind.hostname, port: behind.port, method: asked.method!, path: asked.url!, headers },
      found => {
        answer.writeHead(found.statusCode!, found.headers);
        found.pipe(answer);
      },
    );
    asked.pipe(passed);
  });
  await new Promise<void>(done => door.listen(0, '127.0.0.1', done));
  const { port } = door.address() as AddressInfo;
  return {
    access: { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1' },
    stop: () =>
      new Promise(done => {
        door.closeAllConnections();
        door.close(() => done());
      }),
  };
}
