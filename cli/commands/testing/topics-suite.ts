/** Topics are made, checked and altered on a real broker. */
import { ConfigResourceTypes } from 'kafkajs';
import { INPUT_TOPICS, OUTPUT_TOPICS } from '../../../schemas';
import type { Finding, TopicChange } from '../../../streams/kafka';
import { runCli } from '../../testing/captured-io';
import { TestCluster, type Brokers } from '../../testing/kafka';
import { makeTopic } from '../../../streams/kafka/testing/make-topic';

export function topicsSuite(brokers: Brokers): void {
  const cluster = new TestCluster(brokers);
  afterAll(() => cluster.remove());

  const run = (line: string, more: Record<string, string> = {}) =>
    runCli(['--json', 'topics', ...line.split(' ')], { cwd: '/', env: cluster.env(more) });
  const changes = async (line: string, more?: Record<string, string>): Promise<TopicChange[]> => {
    const { code, stdout, stderr } = await run(line, more);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as TopicChange[];
  };
  const actions = (made: readonly TopicChange[]): string[] => [...new Set(made.map(({ action }) => action))];
  const ours = (): Promise<string[]> =>
    cluster.withAdmin(async admin =>
      (await admin.listTopics()).filter(topic => topic.startsWith(cluster.prefix)),
    );
  const configOf = (topic: string, name: string): Promise<string | undefined> =>
    cluster.withAdmin(async admin => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: [name] }],
      });
      return resources[0]?.configEntries[0]?.configValue;
    });

  test('a dry run makes nothing, and the check names all ten', async () => {
    expect(actions(await changes('create --dry-run'))).toEqual(['created']);
    expect(await ours()).toEqual([]);
    const { code, stdout, stderr } = await run('check');
    expect([code, stderr]).toEqual([1, expect.stringContaining('unhealthy')]);
    expect((JSON.parse(stdout) as Finding[]).filter(({ level }) => level === 'error')).toHaveLength(10);
  });

  test('a missing topic is made like the inputs that exist, not like the setting', async () => {
    await cluster.withAdmin(admin => makeTopic(admin, { topic: cluster.name('orders'), numPartitions: 3 }));
    const made = await changes('create');
    expect(made.map(({ topic }) => topic)).toEqual(
      [...INPUT_TOPICS, ...OUTPUT_TOPICS].map(t => cluster.name(t)),
    );
    for (const { topic, action, partitions } of made) {
      const isInput = INPUT_TOPICS.some(input => cluster.name(input) === topic);
      expect([topic, action, partitions]).toEqual([
        topic,
        topic === cluster.name('orders') ? 'differs' : 'created',
        isInput ? 3 : 4,
      ]);
    }
  });

  test('the check says what was left as it was, until --alter; what others have set stays', async () => {
    const { code, stdout } = await run('check');
    expect(code).toBe(1);
    expect((JSON.parse(stdout) as Finding[])[0]).toEqual({
      level: 'error',
      topic: cluster.name('orders'),
      message: expect.stringContaining('message.timestamp.type is CreateTime, not LogAppendTime') as string,
    });
    await cluster.withAdmin(admin =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: ConfigResourceTypes.TOPIC,
            name: cluster.name('orders'),
            configEntries: [{ name: 'segment.ms', value: '7200000' }],
          },
        ],
      }),
    );
    expect(actions(await changes('create --alter --dry-run'))).toEqual(['unchanged', 'altered']);
    expect(await configOf(cluster.name('orders'), 'message.timestamp.type')).toBe('CreateTime');
    await changes('create --alter');
    expect(await configOf(cluster.name('orders'), 'message.timestamp.type')).toBe('LogAppendTime');
    expect(await configOf(cluster.name('orders'), 'segment.ms')).toBe('7200000');
  });

  test('a second run changes nothing, and the check is content but for the setting', async () => {
    expect(actions(await changes('create --alter'))).toEqual(['unchanged']);
    const { code, stdout } = await run('check', { RESCORE_KAFKA_PARTITIONS: '3' });
    expect([code, JSON.parse(stdout)]).toEqual([0, []]);
    const other = JSON.parse((await run('check')).stdout) as Finding[];
    expect(other).toEqual([
      {
        level: 'warning',
        topic: cluster.name('web-events'),
        message: expect.stringContaining('kafka.partitions') as string,
      },
    ]);
  });

  test('what the broker refuses is named', async () => {
    const { code, stderr } = await runCli(['topics', 'create'], {
      cwd: '/',
      env: cluster.env({
        RESCORE_KAFKA_REPLICATION: '9',
        RESCORE_KAFKA_TOPIC_PREFIX: `${cluster.prefix}nine.`,
      }),
    });
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('kafka-refused: Kafka answers INVALID_REPLICATION_FACTOR'),
    ]);
  });
}
