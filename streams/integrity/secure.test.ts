/** TLS, a password, and no more rights than docs/cluster.md asks for. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs';
import type { AclEntry } from 'kafkajs';
import { INPUT_TOPICS, OUTPUT_TOPICS } from '../../schemas';
import { packageRoot } from '../package-root';
import { describeWithServers } from '../testing/describe';
import { startSecureKafka } from '../testing/secure-kafka';
import type { SecureKafkaServer } from '../testing/secure-kafka';
import { startRedis } from '../testing/servers';
import { Scenario } from './scenario';

const PROGRAM = join(packageRoot(), 'dist', 'cli', 'main.js');

interface Row {
  resource: string;
  name: string;
  operations: readonly string[];
}

/** Of docs/cluster.md: what a processor needs, or the command that looks at its scores. */
function documentedRows(who: 'processor' | 'consume' = 'processor'): Row[] {
  const page = readFileSync(join(packageRoot(), 'docs', 'cluster.md'), 'utf8');
  const [, table] = /\| resource +\|.+\n\|[ |-]+\n((?:\|.+\n)+)/.exec(page)!;
  return table!
    .trim()
    .split('\n')
    .map(line => line.split('|').map(cell => cell.trim()))
    .filter(([, , name]) => name!.includes('consume') === (who === 'consume'))
    .map(([, resource, name, operations]) => ({
      resource: resource!,
      name: name!,
      // What it is for stands behind it in brackets.
      operations: operations!.replace(/ \([^)]*\)/g, '').split(', '),
    }));
}

const constantOf = (name: string): string => name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();

/** What the names of a row stand for. */
function namesOf({ name }: Row, application: string, prefix: string): string[] {
  if (name === 'the five inputs') return INPUT_TOPICS.map(topic => prefix + topic);
  if (name === 'the five outputs') return OUTPUT_TOPICS.map(topic => prefix + topic);
  return [name.replace('`kafka.application`', application).replace(' (prefixed)', '')];
}

const entriesOf = (rows: readonly Row[], application: string, prefix: string): AclEntry[] =>
  rows.flatMap(row =>
    namesOf(row, application, prefix).flatMap(resourceName =>
      row.operations.map(operation => ({
        resourceType: AclResourceTypes[constantOf(row.resource) as keyof typeof AclResourceTypes],
        resourceName,
        resourcePatternType: row.name.includes('(prefixed)')
          ? ResourcePatternTypes.PREFIXED
          : ResourcePatternTypes.LITERAL,
        operation: AclOperationTypes[constantOf(operation) as keyof typeof AclOperationTypes],
        permissionType: AclPermissionTypes.ALLOW,
        principal: 'User:rescore',
        host: '*',
      })),
    ),
  );

const ANYTHING = {
  resourceType: AclResourceTypes.ANY,
  resourcePatternType: ResourcePatternTypes.ANY,
  operation: AclOperationTypes.ANY,
  permissionType: AclPermissionTypes.ANY,
};

/** One row is missing, or one operation of it, and what is said then. */
const GAPS: readonly { row: string; operation?: string; said: RegExp }[] = [
  { row: 'the five inputs', said: /web-events: does not exist, or .+ allow Describe and DescribeConfigs/ },
  { row: 'the five outputs', said: /sessions: does not exist, or .+ allow Describe and DescribeConfigs/ },
  {
    row: '`kafka.application`',
    said: /GROUP_AUTHORIZATION_FAILED: this user needs Read and Describe on Group it-.+docs\/cluster\.md/,
  },
  {
    row: '`kafka.application`-',
    said: /answers TRANSACTIONAL_ID_AUTHORIZATION_FAILED: this user needs Write and Describe on TransactionalId it-.+docs\/cluster/,
  },
  {
    row: 'the five inputs',
    operation: 'Read',
    said: /answers TOPIC_AUTHORIZATION_FAILED: this user needs Read, Write and Describe on Topic it-/,
  },
  {
    row: 'the five outputs',
    operation: 'Write',
    said: /answers TOPIC_AUTHORIZATION_FAILED: .+Write and Describe on Topic it-/,
  },
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

  /** `rescore consume` in a group for this run: without its row, then with it. */
  async function looksAtScores({ id, prefix, kafka: client }: Scenario): Promise<void> {
    const env = {
      ...process.env,
      ...secured(),
      RESCORE_KAFKA_APPLICATION: id,
      RESCORE_KAFKA_TOPIC_PREFIX: prefix,
      RESCORE_REGISTRY_URL: '',
    };
    const argv = [PROGRAM, 'consume', 'scores', '--from-beginning', '--limit', '3'];
    const consumed = (): Promise<{ stdout: string }> =>
      promisify(execFile)(process.execPath, argv, { env, timeout: 60_000 });
    const admin = client.admin();
    await admin.connect();
    const outputs = documentedRows().filter(({ name }) => name === 'the five outputs');
    const readable = outputs.map(row => ({ ...row, operations: ['Read'] }));
    await admin.createAcls({ acl: entriesOf(readable, id, prefix) });
    await expect(consumed()).rejects.toThrow(/kafka-refused: .+this user may lack Describe on the group/);
    await admin.createAcls({ acl: entriesOf(documentedRows('consume'), id, prefix) });
    expect((await consumed()).stdout.trim().split('\n')).toHaveLength(3);
    const { groups } = await admin.listGroups();
    expect(groups.filter(({ groupId }) => groupId.startsWith(`${id}-consume-`))).toEqual([]);
    await admin.disconnect();
  }

  test('a processor works with the rights of the table, and without them says which is missing', async () => {
    const scenario = await Scenario.open({ brokers: kafka.brokers, redis: redis.address, seed: 61 });
    try {
      const early = scenario.processor('early', secured());
      early.start();
      expect(await early.hears('joined')).toBe(false);
      expect(early.complaints).toMatch(/this user needs Read and Describe on Group it-/);

      const admin = scenario.kafka.admin();
      await admin.connect();
      await admin.createAcls({ acl: entriesOf(documentedRows(), scenario.id, scenario.prefix) });
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
      await looksAtScores(scenario);
    } finally {
      await scenario.close();
    }
  }, 180_000);

  test('without a row of the table, or what lanes need of it at work, it ends and says which right is missing', async () => {
    const scenario = await Scenario.open({ brokers: kafka.brokers, redis: redis.address, seed: 63 });
    const admin = scenario.kafka.admin();
    try {
      await admin.connect();
      await scenario.someTraffic(100);
      for (const [at, { row, operation, said }] of GAPS.entries()) {
        const lacks = ({ name }: Row): boolean => name.replace(' (prefixed)', '') === row;
        const given = documentedRows().map(one => {
          if (!lacks(one)) return one;
          const operations = one.operations.filter(name => operation !== undefined && name !== operation);
          return { ...one, operations };
        });
        await admin.createAcls({ acl: entriesOf(given, scenario.id, scenario.prefix) });
        const processor = scenario.processor(`gap-${at}`, secured());
        processor.start();
        expect([row, operation, await processor.ended(60_000), processor.complaints]).toEqual([
          row,
          operation,
          1,
          expect.stringMatching(said),
        ]);
        await admin.deleteAcls({ filters: [{ ...ANYTHING, principal: 'User:rescore' }] });
      }
    } finally {
      await admin.disconnect();
      await scenario.close();
    }
  }, 300_000);

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
