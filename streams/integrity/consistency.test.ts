/** Scores of the distributed engine, with processors that are killed under load, against the archive in a folder and in S3. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { ConsistencyReport } from '../../backfill/consistency';
import { runCli } from '../../cli/testing/captured-io';
import { describeWithServers, withServers } from '../testing/describe';
import { startS3 } from '../testing/servers';
import { Scenario } from './scenario';

describeWithServers('consistency', () => {
  const servers = withServers();
  const directory = mkdtempSync(join(tmpdir(), 'rescore-consistent-'));
  const before = { ...process.env };
  let s3: Awaited<ReturnType<typeof startS3>> | null = null;

  beforeAll(async () => {
    process.env['AWS_ACCESS_KEY_ID'] = 'test';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
    s3 = await startS3();
    const client = new S3Client({ endpoint: s3.endpoint, region: 'us-east-1', forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: 'kept' }));
    client.destroy();
  }, 180_000);
  afterAll(async () => {
    process.env = before;
    await s3?.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  const jsonOf = async <T>(line: string, env: Record<string, string>): Promise<T> => {
    const { code, stdout, stderr } = await runCli(['--json', ...line.split(' ')], { cwd: directory, env });
    expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' });
    return JSON.parse(stdout) as T;
  };

  /** Two processors; the first is killed under load, twice. */
  async function worked(scenario: Scenario): Promise<void> {
    await scenario.joined('steady');
    scenario.beginTraffic();
    for (const name of ['first', 'second']) {
      const [victim] = await scenario.joined(name);
      await scenario.sends(1_000);
      await victim!.kill();
    }
    await scenario.joined('last');
    await scenario.sends(1_500);
    await scenario.endTraffic();
    await scenario.rest();
  }

  test('every vector that was published comes back', async () => {
    const settings = { RESCORE_PUBLISH_VECTOR_SHARE: '0.25' };
    const scenario = await Scenario.open({ ...servers(), seed: 41, settings });
    try {
      await worked(scenario);
      const env = {
        RESCORE_KAFKA_BROKERS: servers().brokers.join(','),
        RESCORE_KAFKA_TOPIC_PREFIX: scenario.prefix,
        RESCORE_REGISTRY_URL: '',
        RESCORE_ARCHIVE_FILE_OFFSETS: '100',
        RESCORE_ARCHIVE_S3_ENDPOINT: s3!.endpoint,
      };
      const places = [`s3://kept/${scenario.id}`, join(directory, scenario.id)];
      const reports: ConsistencyReport[] = [];
      for (const place of places) {
        const at = { ...env, RESCORE_ARCHIVE_LOCATION: place };
        await jsonOf('archive run --once --tail', at);
        expect(await jsonOf('archive run --once --tail', at)).toMatchObject({ files: 0 });
        expect(await jsonOf('archive verify', at)).toMatchObject({ problems: [], strays: [] });
        reports.push(await jsonOf<ConsistencyReport>('backfill consistency', at));
      }
      const [inS3, inFolder] = reports;
      expect(inFolder).toEqual(inS3);
      // How many scores an input makes depends on when it comes; every customer of the waves has one at least.
      expect(inFolder!.scores).toBeGreaterThan(100);
      expect(inFolder).toMatchObject({ checked: inFolder!.scores, differing: 0, missing: 0 });
      expect(inFolder!.wholeVectors).toBeGreaterThan(10);
      expect((await scenario.verdict()).violations).toEqual([]);
    } finally {
      await scenario.close();
    }
  }, 240_000);
});
