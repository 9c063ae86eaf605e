/** The processor's image: small rights, a read-only root, a health check, and a stop that finishes what was begun. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describeWithServers, withServers } from '../testing/describe';
import { buildImage, docker } from '../testing/docker';
import { Scenario } from './scenario';

const IMAGE = 'rescore:test';

describeWithServers('the image of the processor', () => {
  const servers = withServers();

  beforeAll(() => buildImage('processor', IMAGE), 600_000);

  test('is a command', async () => {
    expect(await docker('run', '--rm', '--read-only', IMAGE, '--version')).toMatch(/^\d+\.\d+\.\d+/);
  }, 60_000);

  test('scores as nobody in particular, on a read-only root, and ends in order', async () => {
    const scenario = await Scenario.open({ ...servers(), seed: 21 });
    const name = `rescore-${randomUUID().slice(0, 8)}`;
    const env = {
      RESCORE_KAFKA_BROKERS: servers().brokers.join(','),
      RESCORE_KAFKA_APPLICATION: scenario.id,
      RESCORE_KAFKA_TOPIC_PREFIX: scenario.prefix,
      RESCORE_KAFKA_PARTITIONS: String(scenario.partitions),
      RESCORE_REDIS_ADDRESSES: servers().redis,
      RESCORE_REGISTRY_URL: '',
      RESCORE_COLLECTOR_PORT: '18977',
    };
    const settings = Object.entries(env).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
    const rights = ['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL'];
    await docker('run', '-d', '--name', name, '--network', 'host', ...rights, ...settings, IMAGE);
    try {
      await scenario.someTraffic(2_400);
      await scenario.rest();
      expect(await docker('exec', name, 'id', '-u')).toBe('1000');
      await expect(docker('exec', name, 'touch', '/app/anything')).rejects.toThrow('Read-only file system');
      let health = '';
      for (let tries = 0; tries < 60 && health !== 'healthy'; tries++) {
        await delay(500);
        health = await docker('inspect', '--format', '{{.State.Health.Status}}', name);
      }
      expect(health).toBe('healthy');
      await docker('stop', '-t', '15', name);
      expect(await docker('inspect', '--format', '{{.State.ExitCode}}', name)).toBe('0');
    } finally {
      const logs = await docker('logs', name).catch(() => '');
      if (logs !== '') process.stdout.write(`${logs}\n`);
      await docker('rm', '-f', name);
      await scenario.close();
    }
  }, 180_000);
});
