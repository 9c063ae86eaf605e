/** The log over Kafka, on a real broker: the contract, what transactions leave in a log, and when a lane is woken. */
import { systemClock } from '../../cli/clock';
import type { Clock, TopicBatch } from '../../processors/ports';
import { positionsAt } from '../../processors/state/state-store.contract';
import { HOUR_MS, INPUT_TOPICS, MINUTE_MS } from '../../schemas';
import { describeEventLog } from '../event-log.contract';
import { describeWithServers, withServers } from '../testing/describe';
import { damageLog } from '../testing/servers';
import type { KafkaEventLog } from './event-log';
import { openKafkaWorld } from './testing/world';
import type { KafkaWorld, WorldOptions } from './testing/world';
import { TopicReader } from './topic-reader';

const record = (key: string) => ({ key, recordAt: 1_000, value: Buffer.from(key) });
const orders = (batches: readonly TopicBatch[]): TopicBatch =>
  batches.find(({ topic }) => topic === 'orders')!;
const keysOf = ({ records }: Pick<TopicBatch, 'records'>): string[] => records.map(({ key }) => key);

/** Whatever has happened by the next turn of the event loop; nobody waits for a broker in that. */
const byNow = (what: Promise<void>): Promise<'done' | 'pending'> =>
  Promise.race([
    what.then(() => 'done' as const),
    new Promise<'pending'>(resolve => setImmediate(() => resolve('pending'))),
  ]);

describeWithServers('on a broker', () => {
  const servers = withServers();
  let world: KafkaWorld;
  const opened = async (options: WorldOptions = { clock: systemClock }): Promise<KafkaWorld> =>
    (world = await openKafkaWorld(servers().brokers, options));

  describeEventLog('Kafka', opened);

  test('what is damaged on the disk of the broker is one fault in its place, and what is behind it is read', async () => {
    const { log, topicPrefix, kafka, close } = await opened();
    for (const key of ['before', 'damaged', 'behind']) await log.append('orders', 0, [record(key)]);
    damageLog(servers().brokers[0]!, `${topicPrefix}orders`, 0, Buffer.from('damaged'));
    const read: TopicBatch['records'][number][] = [];
    for (let at = 0; read.length < 3; at = read.length) {
      read.push(...orders(await log.read(0, { ...positionsAt(0), orders: at }, 100)).records);
      await systemClock.sleep(20);
    }
    expect(read.map(({ offset, key, fault }) => [offset, key, fault?.code])).toEqual([
      [0, 'before', undefined],
      [1, '', 'batch-damaged'],
      [2, 'behind', undefined],
    ]);
    const reader = await TopicReader.open(kafka, [`${topicPrefix}orders`]);
    const [stretch] = await reader.stretches(`${topicPrefix}orders`);
    const seen: (string | undefined)[] = [];
    for await (const page of reader.read(stretch!)) seen.push(...page.map(({ fault }) => fault?.code));
    expect(seen).toEqual([undefined, 'batch-damaged', undefined]);
    await reader.close();
    await close();
  });

  test('the ends of the log are those of the last answer, with what no transaction has decided', async () => {
    const { log, kafka, topicPrefix, application, close } = await opened();
    expect(log.logEnds(0)).toEqual({});
    await log.append('orders', 0, ['a', 'b'].map(record));
    await log.read(0, positionsAt(0), 1);
    expect(log.logEnds(0)).toEqual({ ...positionsAt(0), orders: 2 });
    const producer = kafka.producer({
      transactionalId: application,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    const transaction = await producer.transaction();
    const messages = [{ key: 'c', value: 'c', partition: 0 }];
    await transaction.send({ topic: `${topicPrefix}orders`, messages });
    while (log.logEnds(0).orders !== 3) await systemClock.sleep(10);
    await transaction.abort();
    await producer.disconnect();
    await close();
  });

  describe('what transactions leave in a log', () => {
    beforeEach(async () => void (await opened()));
    afterEach(() => world.close());

    /** Appends to the first partition of orders, in a transaction. */
    async function transact(id: string, keys: readonly string[], end: 'commit' | 'abort'): Promise<void> {
      const producer = world.kafka.producer({
        transactionalId: `${world.application}-${id}`,
        maxInFlightRequests: 1,
        idempotent: true,
      });
      await producer.connect();
      const transaction = await producer.transaction();
      const before = (await world.log.ends(0)).orders;
      const messages = keys.map(key => ({ key, value: key, partition: 0 }));
      await transaction.send({ topic: `${world.topicPrefix}orders`, messages });
      await transaction[end]();
      await producer.disconnect();
      // The end is answered before its marker is written.
      while ((await world.log.ends(0)).orders <= before + keys.length) await systemClock.sleep(10);
    }

    async function readFrom(at: number, maxRecords = 100): Promise<TopicBatch> {
      return orders(await world.log.read(0, { ...positionsAt(0), orders: at }, maxRecords));
    }

    test('aborted records and markers are no records, and the position passes them', async () => {
      await transact('a', ['gone', 'gone too'], 'abort');
      await transact('b', ['kept'], 'commit');
      const whole = await readFrom(0);
      expect([keysOf(whole), whole.records[0]!.offset]).toEqual([['kept'], 3]);
      expect([whole.nextOffset, whole.atEnd]).toEqual([5, true]);
      expect((await world.log.ends(0)).orders).toBe(5);
      // A lane may have stopped on a marker, or in the middle of what was aborted.
      for (const from of [1, 2, 3]) expect(keysOf(await readFrom(from))).toEqual(['kept']);
      expect(await readFrom(4)).toMatchObject({ records: [], nextOffset: 5, atEnd: true });
    });

    test('a page that ends before a marker is not at the end of the topic', async () => {
      await transact('a', ['one', 'two'], 'commit');
      await transact('b', ['gone'], 'abort');
      expect(await readFrom(0, 1)).toMatchObject({ nextOffset: 1, atEnd: false });
      expect(await readFrom(1, 1)).toMatchObject({ nextOffset: 5, atEnd: true });
    });
  });

  test('a reader that retention overtakes is told, and goes on at what is left', async () => {
    const { log, kafka, topicPrefix, trim, close } = await opened();
    const name = `${topicPrefix}orders`;
    const reader = await TopicReader.open(kafka, [name]);
    try {
      await log.append('orders', 0, ['a', 'b', 'c', 'd', 'e'].map(record));
      const [stretch] = await reader.stretches(name);
      await trim('orders', 0, 3);
      const overtaken: number[][] = [];
      const read: string[] = [];
      for await (const page of reader.read(stretch!, undefined, (...range) => overtaken.push(range)))
        read.push(...keysOf({ records: page as never[] }));
      expect([overtaken, read]).toEqual([[[0, 3]], ['d', 'e']]);
    } finally {
      await reader.close();
      await close();
    }
  });

  describe('an arrival', () => {
    let now = 0;
    /** Its hours never end, and it says what it is told; what takes moments takes them. */
    const clock: Clock = {
      now: () => now,
      sleep: (ms, signal) =>
        ms < MINUTE_MS
          ? systemClock.sleep(ms, signal)
          : new Promise(resolve => signal!.addEventListener('abort', () => resolve())),
    };
    let isAway = false;
    let meanwhile = (): Promise<void> => Promise.resolve();
    const prepare = (): Promise<void> =>
      isAway ? Promise.reject(new Error('the registry is away')) : meanwhile();

    beforeEach(async () => {
      [now, isAway] = [1_000, false];
      const { log } = await opened({ clock, prepare });
      // Lanes read first: from then on fetches run ahead.
      for (const partition of [0, 1]) await log.read(partition, positionsAt(0), 10);
    });
    afterEach(() => world.close());

    const arrival = (log: KafkaEventLog, partition = 0, stop = new AbortController()): Promise<void> =>
      log.arrival(partition, HOUR_MS, stop.signal);
    /** Of the next records of orders, once they are there. */
    async function next(maxRecords: number): Promise<TopicBatch> {
      const { log } = world;
      for (;;) {
        const batch = orders(await log.read(0, { ...positionsAt(0), orders: at }, maxRecords));
        at = batch.nextOffset;
        if (batch.records.length > 0) return batch;
        await arrival(log);
      }
    }
    let at = 0;
    beforeEach(() => void (at = 0));

    test('is there at once while records wait that can be read', async () => {
      const { log } = world;
      await log.append('orders', 0, ['a', 'b', 'c'].map(record));
      expect(keysOf(await next(2))).toEqual(['a', 'b']);
      for (let time = 0; time < 5; time++) expect(await byNow(arrival(log))).toBe('done');
      expect(keysOf(await next(2))).toEqual(['c']);
      expect(await byNow(arrival(log))).toBe('pending');
    });

    test('comes with new records, whatever their topic', async () => {
      const { log } = world;
      for (const [from, topic] of INPUT_TOPICS.entries()) {
        const coming = arrival(log);
        expect(await byNow(coming)).toBe('pending');
        await log.append(topic, 0, [record(topic)]);
        await coming;
        const positions = INPUT_TOPICS.map((name, index) => [name, index < from ? 1 : 0]);
        const batches = await log.read(0, Object.fromEntries(positions), 10);
        expect(batches.flatMap(keysOf)).toEqual([topic]);
      }
    });

    test('does not come with records of another partition', async () => {
      const { log } = world;
      const coming = arrival(log);
      await log.append('orders', 1, [record('a')]);
      await arrival(log, 1);
      expect(await byNow(coming)).toBe('pending');
    });

    test('waits while what waits can not be prepared, and comes when that is tried again', async () => {
      const { log } = world;
      isAway = true;
      await log.append('orders', 0, [record('a')]);
      await arrival(log);
      expect(orders(await log.read(0, positionsAt(0), 10))).toMatchObject({ records: [], atEnd: false });
      const coming = arrival(log);
      // More comes, of the same topic: what an answer holds for partition 1 it holds for partition 0.
      await log.append('orders', 0, [record('b')]);
      await log.append('orders', 1, [record('c')]);
      await arrival(log, 1);
      expect(await byNow(coming)).toBe('pending');
      isAway = false;
      now += HOUR_MS;
      await coming;
      expect(keysOf(await next(10))).toEqual(['a', 'b']);
    });

    test('of what comes while others are prepared is left for the next page', async () => {
      const { log } = world;
      await log.append('orders', 0, [record('a')]);
      await arrival(log);
      meanwhile = async () => {
        meanwhile = () => Promise.resolve();
        await log.append('orders', 0, [record('b')]);
        await log.append('orders', 1, [record('c')]);
        await arrival(log, 1);
      };
      expect(keysOf(await next(10))).toEqual(['a']);
      expect(keysOf(await next(10))).toEqual(['b']);
    });

    test('ends with its signal', async () => {
      const stop = new AbortController();
      const coming = arrival(world.log, 0, stop);
      expect(await byNow(coming)).toBe('pending');
      stop.abort();
      await coming;
    });
  });
});
