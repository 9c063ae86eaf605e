/** Rows that go to a real broker: which topic, key, partition, order, bytes and instant they have there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InputTopic, WireInputs } from '../../../schemas';
import { createAvroCodec } from '../../../streams/avro/codec';
import { partitionOf } from '../../../streams/partitioner';
import type { ProduceSummary } from '../../produce/tally';
import { runCli } from '../../testing/captured-io';
import { TestCluster, type Brokers, type StoredRecord } from '../../testing/kafka';

const directory = mkdtempSync(join(tmpdir(), 'rescore-produced-'));
const codec = createAvroCodec();
const page = (messageId: string, userId: string, more: object = {}): string =>
  JSON.stringify({ type: 'page', messageId, userId, timestamp: '2026-01-01T12:00:00Z', ...more });
const write = (name: string, lines: readonly string[]): string => {
  writeFileSync(join(directory, name), `${lines.join('\n')}\n`);
  return name;
};

export function produceSuite(brokers: Brokers): void {
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const run = (cluster: TestCluster, line: string, more: object = {}) =>
    runCli(['--json', ...line.split(' ')], { cwd: directory, env: cluster.env(), ...more });
  const produce = async (cluster: TestCluster, line: string, more?: object): Promise<ProduceSummary> => {
    const { code, stdout, stderr } = await run(cluster, `produce ${line}`, more);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as ProduceSummary;
  };
  const idsOf = <T extends InputTopic>(topic: T, records: readonly StoredRecord[]): string[] =>
    records.map(({ value }) => (codec.decode(topic, value!) as WireInputs['web-events']).messageId);

  describe('to topics with their own clock', () => {
    const cluster = new TestCluster(brokers);
    beforeAll(async () => {
      const { code, stderr } = await run(cluster, 'topics create');
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    });
    afterAll(() => cluster.remove());

    test('a world through a pipe: every row once, where Java clients would put it', async () => {
      const world = (await run(cluster, 'world --customers 120 --days 30 --seed 5')).stdout;
      // Trackers of the world send some messages twice.
      const rows = world
        .trimEnd()
        .split('\n')
        .map(line => (JSON.parse(line) as { messageId: string }).messageId);
      const { sent, bad, byTopic } = await produce(cluster, '-', { stdin: world });
      expect([sent, bad]).toEqual([rows.length, 0]);
      const held: string[] = [];
      for (const topic of ['web-events', 'orders', 'customers'] as const) {
        const records = await cluster.recordsOf(topic);
        expect([topic, records.length]).toEqual([topic, byTopic[topic] ?? 0]);
        for (const { key, partition } of records) expect(partition).toBe(partitionOf(key, 4));
        held.push(...idsOf(topic, records));
      }
      expect(held.sort()).toEqual(rows.sort());
    });

    test('rows keep their order, although several batches are under way', async () => {
      const ids = Array.from({ length: 3_500 }, (_, at) => `ordered-${at}`);
      await produce(
        cluster,
        write(
          'ordered.jsonl',
          ids.map(id => page(id, 'order-of-one')),
        ),
      );
      const records = (await cluster.recordsOf('web-events')).filter(({ key }) => key === 'order-of-one');
      expect(idsOf('web-events', records)).toEqual(ids);
    });

    test('large rows of one customer fit, although a thousand of them are no record batch', async () => {
      const properties = Object.fromEntries(
        Array.from({ length: 60 }, (_, at) => [`p${at}`, 'x'.repeat(250)]),
      );
      const rows = Array.from({ length: 400 }, (_, at) => page(`large-${at}`, 'large', { properties }));
      expect(await produce(cluster, write('large.jsonl', rows))).toMatchObject({ sent: 400, bad: 0 });
    });

    test.each(['gzip', 'snappy', 'lz4'])('compressed with %s', async compression => {
      const userId = `by-${compression}`;
      const env = cluster.env({ RESCORE_KAFKA_COMPRESSION: compression });
      await produce(cluster, write('compressed.jsonl', [page('m-1', userId), page('m-2', userId)]), { env });
      const records = (await cluster.recordsOf('web-events')).filter(({ key }) => key === userId);
      expect(idsOf('web-events', records)).toEqual(['m-1', 'm-2']);
    });

    const mixed = [page('good-1', 'mix'), '{"type":"page"', page('bad', 'guest'), page('good-2', 'mix')];

    test('bad rows are named and counted, the others are sent', async () => {
      write('mixed.jsonl', mixed);
      const { code, stdout, stderr } = await run(cluster, 'produce mixed.jsonl');
      expect(code).toBe(0);
      expect(stderr).toContain('mixed.jsonl, line 2: malformed-json: ');
      expect(stderr).toContain('mixed.jsonl, line 3: refused-id: ');
      expect(JSON.parse(stdout)).toMatchObject({
        rows: 4,
        sent: 2,
        bad: 2,
        badByCode: { 'malformed-json': 1, 'refused-id': 1 },
      });
    });

    test('--strict stops at the first; what was before it is sent', async () => {
      write('strict.jsonl', [page('before', 'strict'), 'not json', page('after', 'strict')]);
      const { code, stderr } = await run(cluster, 'produce strict.jsonl --strict');
      expect([code, stderr]).toEqual([3, expect.stringContaining('strict.jsonl, line 2: malformed-json')]);
      const records = (await cluster.recordsOf('web-events')).filter(({ key }) => key === 'strict');
      expect(idsOf('web-events', records)).toEqual(['before']);
    });

    test('--limit counts what is sent', async () =>
      expect(await produce(cluster, 'ordered.jsonl --limit 7')).toMatchObject({ sent: 7, rows: 7 }));

    test('--keep-timestamps is refused where the broker has its own clock', async () => {
      const { code, stderr } = await run(cluster, 'produce ordered.jsonl --keep-timestamps');
      expect([code, stderr]).toEqual([1, expect.stringContaining('topics-unfit: web-events stamps records')]);
    });
  });

  test('history keeps its instants; a row without one is bad then', async () => {
    const cluster = new TestCluster(brokers);
    const env = cluster.env({ RESCORE_KAFKA_TIMESTAMPS: 'any' });
    try {
      await run(cluster, 'topics create', { env });
      const timeless = JSON.stringify({ type: 'page', messageId: 'timeless', userId: 'kim' });
      write('history.jsonl', [page('m-1', 'kim'), timeless]);
      const { stdout } = await run(cluster, 'produce history.jsonl --keep-timestamps', { env });
      expect(JSON.parse(stdout)).toMatchObject({ sent: 1, badByCode: { 'missing-time': 1 } });
      const records = await cluster.recordsOf('web-events');
      expect(records.map(({ timestamp }) => new Date(timestamp).toISOString())).toEqual([
        '2026-01-01T12:00:00.000Z',
      ]);
    } finally {
      await cluster.remove();
    }
  });

  test('without topics it says what makes them', async () => {
    write('one.jsonl', [page('m', 'kim')]);
    const { code, stderr } = await run(new TestCluster(brokers), 'produce one.jsonl');
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('topics-unfit: The topic web-events does not exist.'),
    ]);
  });
}
