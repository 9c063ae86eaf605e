/** What a broker refuses of one partition is no matter of the others. Over a broker that says what it is told. */
import type { Broker, Cluster } from 'kafkajs';
import type { Clock } from '../../processors/ports';
import { DEFAULT_FETCHER_SETTINGS, Fetcher } from './fetcher';
import { TopicQueue } from './topic-queue';
import { storedBatch } from './wire/testing/batches';
import { fetchResponse } from './wire/testing/fetch-responses';

const REFUSED = 56;
const NOT_ALLOWED = 29;
const PARTITIONS = [0, 1, 2];

let now = 1_000;
/** Nobody waits longer than a turn of the event loop; the time is what the test says. */
const clock: Clock = { now: () => now, sleep: () => new Promise(resolve => setImmediate(resolve)) };
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise(resolve => setImmediate(resolve));
};

describe('an answer', () => {
  let codes: number[];
  let wholeCode: number;
  let answers: number;
  let refreshes: number;
  let leaders: () => Promise<void>;
  let notes: string[];
  let queues: TopicQueue[];
  let fetcher: Fetcher;

  beforeEach(async () => {
    leaders = () => Promise.resolve();
    [codes, wholeCode, answers, refreshes, notes] = [[0, 0, 0], 0, 0, 0, []];
    const batches = await storedBatch([{ key: 'kim', value: Buffer.from('x'), headers: {} }]);
    const raw = (): Buffer => {
      const partitions = PARTITIONS.map(partition => ({
        partition,
        errorCode: codes[partition]!,
        highWatermark: codes[partition] === 0 ? 7 : -1,
        lastStableOffset: codes[partition] === 0 ? 1 : -1,
        logStartOffset: 0,
        aborted: [],
        batches: codes[partition] === 0 ? batches : Buffer.alloc(0),
      }));
      return fetchResponse([{ topic: 'orders', partitions }], { errorCode: wholeCode });
    };
    const send = async (): Promise<{ raw: Buffer }> => {
      await clock.sleep(0);
      answers++;
      return { raw: raw() };
    };
    const cluster = {
      getNodeIds: () => [1],
      refreshMetadataIfNecessary: () => Promise.resolve(),
      refreshMetadata: () => (refreshes++, leaders()),
      findBroker: () => Promise.resolve({ connectionPool: { send } } as unknown as Broker),
      findLeaderForPartitions: (_topic: string, partitions: number[]) => ({ 1: partitions }),
    } as unknown as Cluster;
    fetcher = new Fetcher(cluster, clock, DEFAULT_FETCHER_SETTINGS, note => void notes.push(note));
    queues = PARTITIONS.map(partition => new TopicQueue('orders', partition));
    for (const queue of queues) queue.goTo(0);
  });
  afterEach(() => fetcher.stop());

  const begin = (): void => queues.forEach(queue => fetcher.add(queue));
  const waiting = (): number[] => queues.map(({ waitingRecords }) => waitingRecords);

  test('of several partitions gives each its records and the end of its log', async () => {
    begin();
    await until(() => waiting().every(count => count === 1));
    expect(queues.map(({ logEnd }) => logEnd)).toEqual([7, 7, 7]);
    expect([notes, refreshes]).toEqual([[], 0]);
  });

  test('that refuses one partition in the middle is delivered for those before and behind it', async () => {
    codes[1] = REFUSED;
    begin();
    await until(() => answers > 5);
    expect(waiting()).toEqual([1, 0, 1]);
    expect(queues.map(({ isAnswered }) => isAnswered)).toEqual([true, false, true]);
  });

  test('that refuses a partition is asked for again after a rest, and named from the second time on', async () => {
    codes[1] = REFUSED;
    begin();
    await until(() => answers > 5);
    // As often as the others are answered: this one rests, and the metadata was read anew for it.
    expect([notes, refreshes]).toEqual([[], 1]);
    now += 50;
    await until(() => notes.length > 0);
    expect(notes).toEqual(['orders/1: the broker answers KAFKA_STORAGE_ERROR (56). It is asked again.']);
    codes[1] = 0;
    now += 100;
    await until(() => waiting()[1] === 1);
    expect([notes.length, refreshes]).toEqual([1, 2]);
  });

  test('that this user may not have is for the lane to hear: asked again it would be refused again', async () => {
    codes[1] = NOT_ALLOWED;
    begin();
    await until(() => answers > 5);
    expect(() => queues[1]!.take(1)).toThrow('The broker lets this user not read orders.');
    expect([waiting(), notes]).toEqual([[1, 0, 1], []]);
  });

  test('that refuses a partition holds up nobody, also where the leaders are refused or never told', async () => {
    codes[1] = REFUSED;
    for (const answer of [
      () => Promise.reject(new Error('refused')),
      () => new Promise<void>(() => undefined),
    ]) {
      leaders = answer;
      begin();
      now += 1_000;
      const before = answers;
      await until(() => answers > before + 5);
      expect(waiting()).toEqual([1, 0, 1]);
    }
  });

  test('that is an error as a whole is said by its name, and nothing of it is delivered', async () => {
    wholeCode = REFUSED;
    begin();
    await until(() => notes.length > 0);
    expect(notes[0]).toBe('Fetching from broker 1: it answers KAFKA_STORAGE_ERROR (56).');
    expect(waiting()).toEqual([0, 0, 0]);
    wholeCode = 0;
    await until(() => waiting().every(count => count === 1));
  });
});
