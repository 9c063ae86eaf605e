/** The example of a consumer keeps its rules: committed messages, each once, the newest, and what is withdrawn. */
import type { OutgoingMessage } from '../../../processors/ports';
import { MessageWriter } from '../../../processors/runner/messages';
import { createAvroCodec } from '../../../streams/avro/codec';
import { OUTPUT_SAMPLES } from '../../../streams/avro/samples';
import { runCli } from '../../testing/captured-io';
import { TestCluster, type Brokers } from '../../testing/kafka';

export function consumeSuite(brokers: Brokers): void {
  const cluster = new TestCluster(brokers);
  const writer = new MessageWriter(createAvroCodec(), 'tests', 1_000_000, () => undefined);
  const score = (epoch: number, sequence: number, customerId = 'kim'): OutgoingMessage =>
    writer.score({ ...OUTPUT_SAMPLES['engagement-scores'], customerId, epoch, sequence });
  const session = (revision: number): OutgoingMessage =>
    writer.session({ ...OUTPUT_SAMPLES.sessions, revision }, 0);

  async function send(messages: readonly OutgoingMessage[]): Promise<void> {
    const producer = cluster.kafka.producer();
    await producer.connect();
    for (const { topic, key, value, headers } of messages)
      await producer.send({
        topic: cluster.name(topic),
        messages: [{ key, value: value === null ? null : Buffer.from(value), headers }],
      });
    await producer.disconnect();
  }

  const run = async (line: string) => {
    const { code, stdout, stderr } = await runCli(['--json', 'consume', ...line.split(' ')], {
      cwd: '/',
      env: cluster.env(),
    });
    const lines = stdout.split('\n').filter(text => text !== '');
    return { code, stderr, messages: lines.map(text => JSON.parse(text) as Record<string, unknown>) };
  };

  beforeAll(async () => {
    await runCli(['topics', 'create'], { cwd: '/', env: cluster.env({ RESCORE_KAFKA_PARTITIONS: '1' }) });
    await send([
      score(1, 7),
      score(1, 7), // a repeat: the same id
      score(1, 6), // published before the other one
      score(2, 1), // a new owner of the lane counts on: a higher epoch is newer
      score(1, 9), // of the old owner
      ...writer.tombstonesOf('kim', 'rescore.erased', 1_767_225_600_000),
      score(2, 3, 'lee'),
    ]);
    await send([session(2), session(1), session(3), writer.alert(OUTPUT_SAMPLES['engagement-alerts'])]);
  });
  afterAll(() => cluster.remove());

  test('scores: the highest (epoch, sequence) of a customer, each once, and a withdrawal', async () => {
    const { code, messages, stderr } = await run('scores --from-beginning --limit 4');
    expect(code).toBe(0);
    expect(messages.map(({ key, epoch, sequence, withdrawn }) => [key, epoch, sequence, withdrawn])).toEqual([
      ['kim', 1, 7, undefined],
      ['kim', 2, 1, undefined],
      ['kim', undefined, undefined, true],
      ['lee', 2, 3, undefined],
    ]);
    expect(stderr).toContain('4 message(s), 1 repeat(s), 2 outdated, 0 that could not be decoded.');
  });

  test('sessions: the highest revision', async () => {
    const { messages } = await run('sessions --from-beginning --limit 2');
    expect(messages.map(({ revision }) => revision)).toEqual([2, 3]);
  });

  test('alerts: in their order, then what is withdrawn', async () => {
    const { messages } = await run('alerts --from-beginning --limit 5');
    expect(messages.map(({ key }) => key)).toEqual([
      ...['churnRisk', 'inactive', 'engagementDrop', 'vipAtRisk'].map(kind => `kim:${kind}`),
      'kim:inactive',
    ]);
  });

  test('a group goes on where it stopped; a look without one leaves no group behind', async () => {
    const group = `${cluster.prefix}crm`;
    const first = await run(`scores --group ${group} --from-beginning --limit 1`);
    const second = await run(`scores --group ${group} --from-beginning --limit 1`);
    expect(
      [first, second].map(({ messages }) => messages.map(({ epoch, sequence }) => [epoch, sequence])),
    ).toEqual([
      [[1, 7]],
      // What is remembered ends with the process: the repeat comes again, as it would without transactions.
      [[1, 7]],
    ]);
    const { groups } = await cluster.withAdmin(admin => admin.listGroups());
    expect(groups.map(({ groupId }) => groupId).filter(id => id.startsWith('rescore-consume-'))).toEqual([]);
    await cluster.withAdmin(admin => admin.deleteGroups([group]));
  });
}
