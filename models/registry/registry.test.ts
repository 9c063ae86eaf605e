/** The registry's promises, in a folder and in a bucket of a real S3 server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWithServers } from '../../streams/testing/describe';
import { startBucket } from '../../streams/testing/bucket';
import { openStore } from './open-store';
import { registryContract } from './registry.contract';

const root = mkdtempSync(join(tmpdir(), 'rescore-registries-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let places = 0;

registryContract('a folder', () => openStore(join(root, String(places++))), {
  crashEvery: 1,
  damageAt: [0, 0.5, 0.9, 1],
  interleavings: 40,
});

describeWithServers('S3', () => {
  let bucket: Awaited<ReturnType<typeof startBucket>>;
  beforeAll(async () => void (bucket = await startBucket()), 180_000);
  afterAll(() => bucket.stop(), 60_000);
  registryContract(
    'a prefix of a bucket',
    () => openStore(`s3://${bucket.name}/registries/${places++}`, bucket.access),
    { crashEvery: 3, damageAt: [0.5], interleavings: 8 },
  );
});
