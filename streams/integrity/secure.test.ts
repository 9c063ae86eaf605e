/** TLS, a password, and no more rights than docs/cluster.md asks for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs';
import type { AclEntry } from 'kafkajs';
import { INPUT_TOPICS, OUTPUT_TOPICS } from '../../schemas';
import { describeWithServers } from '../testing/describe';
import { startSecureKafka } from '../testing/secure-kafka';
import type { SecureKafkaServer } from '../testing/secure-kafka';
import { startRedis } from '../testing/servers';
import { Scenario } from './scenario';

const { READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS } = AclOperationTypes;
const { TOPIC, GROUP, TRANSACTIONAL_ID } = AclResourceTypes;

const right = (
  resourceType: AclResourceTypes,
  resourceName: string,
  operation: AclOperationTypes,
  resourcePatternType = ResourcePatternTypes.LITERAL,
): AclEntry => ({
  resourceType,
  resourceName,
  resourcePatternType,
  operation,
  permissionType: AclPermissionTypes.ALLOW,
  principal: 'User:rescore',
  host: '*',
});

/** The table of docs/cluster.md. */
const rightsOf = (application: string, prefix: string): AclEntry[] => [
  ...INPUT_TOPICS.flatMap(topic =>
    [READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS].map(operation => right(TOPIC, prefix + topic, operation)),
  ),
  ...OUTPUT_TOPICS.flatMap(topic =>
    [WRITE, DESCRIBE, DESCRIBE_CONFIGS].map(operation => right(TOPIC, prefix + topic, operation)),
  ),
  ...[READ, DESCRIBE].map(operation => right(GROUP, application, operation)),
  ...[WRITE, DESCRIBE].map(operation =>
    right(TRANSACTIONAL_ID, `${application}-`, operation, ResourcePatternTypes.PREFIXED),
  ),
];

describeWithServers('a cluster with TLS, passwords and rights', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescore-secure-'));
  let kafka: SecureKafkaServer;
  let redis: Awaited<ReturnType<typeof startRedis>>;
  beforeAll(async () => {
    [kafka, redis] = await Promise.all([startSecureKafka(), startRedis()]);
    writeFileSync(join(folder, 'authority.pem'), kafka.authority);
  }, 180_000);
  afterAll(async () => {
    await Promise.all([kafka.stop(), redis.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const secured = (): Record<string, string> => ({
    RESCORE_KAFKA_BROKERS: kafka.secureBrokers.join(','),
    RESCORE_KAFKA_TLS: 'on',
    RESCORE_KAFKA_TLS_CA_FILE: join(folder, 'authority.pem'),
    RESCORE_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    RESCORE_KAFKA_SASL_USERNAME: kafka.username,
    RESCORE_KAFKA_SASL_PASSWORD: kafka.password,
  });

  test('a processor works with the rights of the table, and without them says which is missing', async () => {
    const scenario = await Scenario.open({ brokers: kafka.brokers, redis: redis.address, seed: 61 });
    try {
      const early = scenario.processor('early', secured());
      early.start();
      expect(await early.hears('joined')).toBe(false);
      expect(early.complaints).toMatch(/or allow Describe and DescribeConfigs/);

      const admin = scenario.kafka.admin();
      await admin.connect();
      await admin.createAcls({ acl: rightsOf(scenario.id, scenario.prefix) });
      await admin.disconnect();
      const processor = scenario.processor('secured', secured());
      processor.start();
      if (!(await processor.hears('joined'))) throw new Error(processor.complaints);
      await scenario.someTraffic(1_600);
      await scenario.rest();
      const verdict = await scenario.verdict();
      expect({ violations: verdict.violations, said: processor.complaints }).toMatchObject({
        violations: [],
      });
      expect(verdict.scores).toBeGreaterThan(50);
    } finally {
      await scenario.close();
    }
  }, 180_000);

  test('a wrong password, and an authority that nobody knows, end the start', async () => {
    const scenario = await Scenario.open({ brokers: kafka.brokers, redis: redis.address, seed: 62 });
    try {
      const wrong = scenario.processor('wrong', { ...secured(), RESCORE_KAFKA_SASL_PASSWORD: 'guessed' });
      wrong.start();
      expect(await wrong.hears('joined', 60_000)).toBe(false);
      expect(wrong.complaints).toMatch(/credentials/i);
      expect(wrong.complaints).not.toContain('guessed');
      const stranger = scenario.processor('stranger', { ...secured(), RESCORE_KAFKA_TLS_CA_FILE: '' });
      stranger.start();
      expect(await stranger.hears('joined', 60_000)).toBe(false);
      expect(stranger.complaints).toMatch(/self-signed|certificate/i);
    } finally {
      await scenario.close();
    }
  }, 180_000);
});
