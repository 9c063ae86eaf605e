/** The contract against a folder and a real S3 server; what only a folder can get wrong. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { describeWithServers } from '../testing/describe';
import { startS3 } from '../testing/servers';
import { ArchiveRefusedError } from './errors';
import { openStorage } from './open-storage';
import { storageContract } from './storage.contract';

const AMAZON = { s3Endpoint: '', s3Region: 'us-east-1' };
const root = mkdtempSync(join(tmpdir(), 'rescore-archive-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const folder = (): string => join(root, String(folders));

storageContract(
  'a folder',
  () => {
    folders++;
    return openStorage({ location: folder(), ...AMAZON });
  },
  () => openStorage({ location: folder(), ...AMAZON }),
);

describe('a folder on a bad day', () => {
  test('what a crash left unfinished is neither listed nor in the way', async () => {
    folders++;
    const storage = openStorage({ location: folder(), ...AMAZON });
    await storage.write('a/one', Buffer.from('1'));
    writeFileSync(join(folder(), 'a', 'two.unfinished'), 'half');
    expect(await storage.list('')).toEqual(['a/one']);
    await storage.write('a/two', Buffer.from('2'));
    expect(readdirSync(join(folder(), 'a')).sort()).toEqual(['one', 'two']);
  });

  test('a write that fails leaves what was there', async () => {
    if (process.getuid?.() === 0) return; // root may write anywhere
    folders++;
    const storage = openStorage({ location: folder(), ...AMAZON });
    await storage.write('a/one', Buffer.from('1'));
    chmodSync(join(folder(), 'a'), 0o555);
    await expect(storage.write('a/one', Buffer.from('2'))).rejects.toThrow(/EACCES/);
    chmodSync(join(folder(), 'a'), 0o755);
    expect(await storage.read('a/one')).toEqual(Buffer.from('1'));
  });
});

test('an address without a bucket is refused', () => {
  expect(() => openStorage({ location: 's3://', ...AMAZON })).toThrow(ArchiveRefusedError);
});

describe('an S3 server whose answers break off', () => {
  const body = Buffer.alloc(200_000, 'x');
  const before = { ...process.env };
  let server: Server;
  /** Answers that still break off. */
  let broken = 0;
  beforeAll(async () => {
    process.env['AWS_ACCESS_KEY_ID'] = 'test';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
    server = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': body.length, etag: '"1"' });
      if (broken-- <= 0) response.end(body);
      else response.write(body.subarray(0, 1_000), () => setImmediate(() => response.destroy()));
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    process.env = before;
    await new Promise(resolve => server.close(resolve));
  });

  test.each([
    [2, 'is asked again'],
    [3, 'is an error in the end, never half an object'],
  ])('%d times in a row: %s', async times => {
    broken = times;
    const { port } = server.address() as AddressInfo;
    const s3Endpoint = `http://127.0.0.1:${port}`;
    const storage = openStorage({ location: 's3://archive', s3Endpoint, s3Region: 'us-east-1' });
    const read = storage.read('web-events/a.avro');
    if (times < 3) expect((await read)?.equals(body)).toBe(true);
    else await expect(read).rejects.toThrow(/s3:\/\/archive/);
    storage.close();
  });
});

describeWithServers('S3', () => {
  let server: Awaited<ReturnType<typeof startS3>> | null = null;
  let client: S3Client | null = null;
  const before = { ...process.env };
  let places = 0;
  const location = (): string => `s3://archive/deep/er/${places}`;
  const at = () => ({ location: location(), s3Endpoint: server!.endpoint, s3Region: 'eu-central-1' });

  beforeAll(async () => {
    process.env['AWS_ACCESS_KEY_ID'] = 'test';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
    server = await startS3();
    const endpoint = server.endpoint;
    client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: 'archive' }));
  }, 180_000);
  afterAll(async () => {
    process.env = before;
    client?.destroy();
    await server?.stop();
  }, 60_000);

  storageContract(
    'a prefix of a bucket',
    () => {
      places++;
      return openStorage(at());
    },
    () => openStorage(at()),
  );

  test('a bucket that is missing is an error, not an empty archive', async () => {
    const storage = openStorage({ ...at(), location: 's3://nobody' });
    await expect(storage.read('archive.json')).rejects.toThrow(/bucket/i);
    await expect(storage.list('')).rejects.toThrow(/bucket/i);
    storage.close();
  });
});
