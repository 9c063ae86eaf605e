import { MemoryStateStore } from '../../processors/state/memory';
import { positionsAt } from '../../processors/state/state-store.contract';
import { describeEventLog } from '../event-log.contract';
import { describePublisher } from '../publisher.contract';
import { MemoryBroker, MemoryEventLog, MemoryPublisher, ProducerFencedError } from '.';

const close = async (): Promise<void> => undefined;

describeEventLog('memory', async () => {
  const log = new MemoryEventLog(2);
  return { log, close, trim: (topic, partition, offset) => log.broker.trim(topic, partition, offset) };
});

describePublisher('memory', async () => {
  const broker = new MemoryBroker(2);
  return {
    log: new MemoryEventLog(broker),
    store: new MemoryStateStore(),
    publisher: new MemoryPublisher(broker),
    published: () => broker.published,
    close,
  };
});

const record = (name: string) => ({ key: name, recordAt: 1, value: Uint8Array.from(Buffer.from(name)) });
const outbox = { batchNumber: 1, epoch: 1, from: positionsAt(0), to: positionsAt(1), mail: [], messages: [] };

describe('gaps in offsets', () => {
  const read = async (log: MemoryEventLog, from: number, limit: number) =>
    (await log.read(0, { ...positionsAt(0), orders: from }, limit)).find(({ topic }) => topic === 'orders')!;

  test('a batch ends after the markers behind its last record, and a read into markers finds what follows', async () => {
    const log = new MemoryEventLog(1);
    await log.append('orders', 0, [record('a')]);
    log.broker.skip('orders', 0, 3);
    await log.append('orders', 0, [record('b')]);
    log.broker.skip('orders', 0, 2);
    expect(await read(log, 0, 1)).toMatchObject({ records: [{ offset: 0 }], nextOffset: 1, atEnd: false });
    expect(await read(log, 2, 1)).toMatchObject({ records: [{ offset: 4 }], nextOffset: 7, atEnd: true });
    expect(await read(log, 5, 9)).toEqual({ topic: 'orders', records: [], nextOffset: 7, atEnd: true });
  });

  test('a topic of only markers is at its end with a position past them', async () => {
    const log = new MemoryEventLog(1);
    log.broker.skip('orders', 0, 4);
    expect(await read(log, 0, 9)).toEqual({ topic: 'orders', records: [], nextOffset: 4, atEnd: true });
  });
});

describe('two processes with one broker', () => {
  test('the one that fenced first can publish no more', async () => {
    const broker = new MemoryBroker(1);
    const [zombie, owner] = [new MemoryPublisher(broker), new MemoryPublisher(broker)];
    await zombie.fence(0);
    await owner.fence(0);
    await expect(zombie.publish(0, outbox)).rejects.toThrow(ProducerFencedError);
    expect(broker.committedOf(0)).toBeNull();
    await owner.publish(0, outbox);
    expect(broker.committedOf(0)).toEqual({ ...positionsAt(1), epoch: 1 });
  });

  test('one that never fenced can publish nothing', async () => {
    await expect(new MemoryPublisher(new MemoryBroker(1)).publish(0, outbox)).rejects.toThrow(
      ProducerFencedError,
    );
  });

  test('a crash after the mail leaves the mail alone in the log', async () => {
    const broker = new MemoryBroker(1);
    const publisher = new MemoryPublisher(broker);
    const mail = [{ to: 'lee', partition: 0, recordAt: 3, value: Uint8Array.from([1]) }];
    publisher.sendMail({ ...outbox, mail });
    expect(broker.endOf('customer-mail', 0)).toBe(1);
    expect(broker.committedOf(0)).toBeNull();
  });
});
