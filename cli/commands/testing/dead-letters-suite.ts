/** Dead letters of a cluster: counted, shown, sent again. */
import type { OutgoingMessage } from '../../../processors/ports';
import { MessageWriter } from '../../../processors/runner/messages';
import type { DeadLetterStage, LateEvent } from '../../../schemas';
import { createAvroCodec } from '../../../streams/avro/codec';
import { OUTPUT_SAMPLES } from '../../../streams/avro/samples';
import { runCli } from '../../testing/captured-io';
import { TestCluster, type Brokers } from '../../testing/kafka';

const writer = new MessageWriter(createAvroCodec(), 'tests', 1_000_000, () => undefined);

/** What `dead-letters list` answers with --json. */
export interface Listing {
  total: number;
  counts: { stage: string; code: string; count: number }[];
  letters: { key: string; code: string }[];
}

export function deadLettersSuite(brokers: Brokers): void {
  const cluster = new TestCluster(brokers);
  const run = (line: string) => runCli(line.split(' '), { cwd: '/', env: cluster.env() });
  const list = async (line = ''): Promise<Listing> =>
    JSON.parse((await run(`--json dead-letters list ${line}`.trim())).stdout) as Listing;

  const send = (messages: readonly OutgoingMessage[]): Promise<void> => publish(cluster, messages, true);
  const letterAbout = (
    source: { partition: number; offset: number },
    bytes: Buffer,
    code = 'avro-magic',
    stage: DeadLetterStage = 'decode',
  ): OutgoingMessage =>
    writer.deadLetter(
      { source: { topic: 'web-events', ...source }, origin: null, stage, code, reason: 'It is bad.' },
      bytes,
      1_767_225_600_000,
    );

  /** Puts bytes into web-events as a foreign producer would. */
  async function record(value: Buffer, key = 'kim'): Promise<{ partition: number; offset: number }> {
    const producer = cluster.kafka.producer();
    await producer.connect();
    const headers = { trace: 'abc', twice: ['one', 'two'] };
    const [at] = await producer.send({
      topic: cluster.name('web-events'),
      messages: [{ key, value, headers, partition: 2 }],
    });
    await producer.disconnect();
    return { partition: 2, offset: Number(at!.baseOffset) };
  }

  beforeAll(async () => expect(await run('topics create')).toMatchObject({ code: 0 }));
  afterAll(() => cluster.remove());

  test('none yet', async () =>
    expect((await run('dead-letters list')).stdout).toBe('There are no dead letters.\n'));

  test('list filters and limits; aborted letters were never written', async () => {
    await send([
      letterAbout({ partition: 0, offset: 1 }, Buffer.from('a'), 'unknown-type', 'validate'),
      letterAbout({ partition: 0, offset: 2 }, Buffer.from('b'), 'unknown-type', 'validate'),
      letterAbout({ partition: 1, offset: 3 }, Buffer.from('c'), 'missing-id', 'validate'),
    ]);
    await publish(
      cluster,
      [letterAbout({ partition: 3, offset: 9 }, Buffer.from('d'), 'aborted-code')],
      false,
    );
    const all = await list();
    expect([all.total, all.counts]).toEqual([
      3,
      [
        { stage: 'validate', code: 'unknown-type', count: 2 },
        { stage: 'validate', code: 'missing-id', count: 1 },
      ],
    ]);
    expect(await list('--code missing-id')).toMatchObject({ total: 1, letters: [{ key: 'web-events/1/3' }] });
    expect(await list('--code unknown-type --limit 1')).toMatchObject({
      total: 2,
      letters: [expect.anything()],
    });
    expect((await list('--topic orders')).total).toBe(0);
    expect((await list('--from 2090-01-01T00:00:00Z')).total).toBe(0);
    expect((await list('--from 2020-01-01T00:00:00Z')).total).toBe(3);
  });

  test('retry sends the whole record with its key and headers, where it was', async () => {
    const whole = Buffer.alloc(100_000, 'x');
    const source = await record(whole, 'lee');
    await send([letterAbout(source, whole)]);
    const answer = await run(`--json dead-letters retry web-events/2/${source.offset}`);
    expect(answer).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(answer.stdout)).toEqual({ sent: 1, withoutKey: 0, refused: [] });
    const again = (await cluster.recordsOf('web-events')).filter(
      ({ headers }) => 'rescore_retry_of' in headers,
    );
    expect(again).toHaveLength(1);
    const [{ key, partition, value, headers }] = again as [(typeof again)[0]];
    expect([key, partition, value!.equals(whole)]).toEqual(['lee', 2, true]);
    expect(headers).toMatchObject({ trace: 'abc', rescore_retry_of: `web-events/2/${source.offset}` });
  });

  test('retry --all asks first, or is told not to', async () => {
    const sources = [await record(Buffer.from('one')), await record(Buffer.from('two'))];
    await send(
      sources.map((source, at) => letterAbout(source, Buffer.from(at === 0 ? 'one' : 'two'), 'bulk')),
    );
    const asked = await run('dead-letters retry --all --code bulk');
    expect([asked.code, asked.stderr]).toEqual([
      2,
      expect.stringContaining('2 record(s) with the code bulk'),
    ]);
    const { stdout } = await run('--json dead-letters retry --all --code bulk --yes');
    expect(JSON.parse(stdout)).toEqual({ sent: 2, withoutKey: 0, refused: [] });
  });

  test('what stands there now is something else: refused', async () => {
    const source = await record(Buffer.from('new'));
    await send([letterAbout(source, Buffer.from('old'), 'replaced')]);
    const { code, stderr } = await run(`dead-letters retry web-events/2/${source.offset}`);
    expect([code, stderr]).toEqual([1, expect.stringContaining('holds another record at that offset')]);
    expect(stderr).toContain('retry-refused');
  });

  test('a record that is gone: its letter will do when it is whole, and is refused when it is cut', async () => {
    const [small, large] = [Buffer.from('small'), Buffer.alloc(70_000, 'y')];
    const sources = { small: await record(small), large: await record(large) };
    await send([letterAbout(sources.small, small, 'gone'), letterAbout(sources.large, large, 'gone')]);
    await cluster.withAdmin(async admin => {
      // The client deletes only from topics that it has asked about.
      await admin.fetchTopicOffsets(cluster.name('web-events'));
      await admin.deleteTopicRecords({
        topic: cluster.name('web-events'),
        partitions: [{ partition: 2, offset: String(sources.large.offset + 1) }],
      });
    });
    const { code, stdout, stderr } = await run('--json dead-letters retry --all --code gone --yes');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      sent: 1,
      withoutKey: 1,
      refused: [{ source: `web-events/2/${sources.large.offset}` }],
    });
    expect(stderr).toContain('its letter keeps 65536 of 70000 bytes');
    const again = (await cluster.recordsOf('web-events')).filter(({ value }) => value!.equals(small));
    expect(again.map(({ key, partition }) => [key, partition])).toEqual([['', 2]]);
  });

  test.each([
    ['file', 'correct the file'],
    ['customer-mail', 'drop it as a repeat'],
    ['engagement-scores', 'raise the limit'],
  ])('letters about %s are never retried', async (topic, said) => {
    const source = { topic, partition: 0, offset: 5 };
    const letter = { source, origin: null, stage: 'read', code: 'never', reason: 'It is bad.' } as const;
    await send([writer.deadLetter(letter, Buffer.from('z'), 0)]);
    const { code, stderr } = await run(`dead-letters retry ${topic}/0/5`);
    expect([code, stderr]).toEqual([1, expect.stringContaining(said)]);
  });

  test('late events are listed by what they were too late for', async () => {
    const late: LateEvent = OUTPUT_SAMPLES['late-events'];
    await send([writer.late(late), writer.late({ ...late, messageId: 'm-2', lateFor: 'sessions' })]);
    const { stdout } = await run('--json late-events list');
    expect(JSON.parse(stdout)).toMatchObject({
      total: 2,
      counts: [
        { lateFor: 'days', count: 1 },
        { lateFor: 'sessions', count: 1 },
      ],
    });
  });

  test('nothing is left behind: no group was made', async () => {
    const { groups } = await cluster.withAdmin(admin => admin.listGroups());
    expect(groups.map(({ groupId }) => groupId)).not.toContain('never-joined');
  });
}

/** In one transaction, committed or not. */
async function publish(
  cluster: TestCluster,
  messages: readonly OutgoingMessage[],
  commit: boolean,
): Promise<void> {
  const producer = cluster.kafka.producer({
    transactionalId: `${cluster.prefix}letters`,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  for (const { topic, key, value, headers } of messages)
    await transaction.send({
      topic: cluster.name(topic),
      messages: [{ key, value: value === null ? null : Buffer.from(value), headers }],
    });
  await (commit ? transaction.commit() : transaction.abort());
  await producer.disconnect();
  // The commit is answered before its markers are in the partitions: until then nobody reads it.
  if (commit) for (const { topic, id } of messages) await visible(cluster, topic, id);
}

async function visible(cluster: TestCluster, topic: OutgoingMessage['topic'], id: string): Promise<void> {
  while (!(await cluster.recordsOf(topic)).some(({ headers }) => headers['ce_id'] === id));
}
