import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { InputTopic } from '../../schemas';
import { describeStateStore, positionsAt } from '../../processors/state/state-store.contract';
import { describeEventLog } from '../event-log.contract';
import { openEmbedded } from '.';

const folders: string[] = [];
const folder = (): string => {
  const made = mkdtempSync(path.join(tmpdir(), 'rescore-embedded-'));
  folders.push(made);
  return made;
};
afterAll(() => folders.forEach(made => rmSync(made, { recursive: true, force: true })));
const open = () => {
  const embedded = openEmbedded({ directory: folder(), partitions: 2 });
  const trim = (topic: InputTopic, partition: number, offset: number): void => {
    embedded.log.trim(partition, { ...positionsAt(0), [topic]: offset });
  };
  return Promise.resolve({ ...embedded, trim, close: () => embedded.close() });
};

describeStateStore('LMDB', open);
describeEventLog('LMDB', open);

const message = (sequence: number) => ({
  topic: 'sessions' as const,
  key: `k${sequence}`,
  id: `id${sequence}`,
  value: sequence % 2 === 0 ? Uint8Array.from([sequence]) : null,
  headers: {},
});

describe('the embedded store', () => {
  test('a commit publishes its messages and its mail in the same transaction', async () => {
    const embedded = openEmbedded({ directory: folder(), partitions: 2 });
    const claim = await embedded.store.claim(0);
    await embedded.store.initialise(claim, positionsAt(0));
    const common = { batchNumber: 1, from: positionsAt(0), to: positionsAt(1) };
    const mail = [{ to: 'lee', partition: 1, recordAt: 77, value: Uint8Array.from([1]) }];
    const batch = {
      ...common,
      mailPositions: {},
      clocks: positionsAt(0),
      states: new Map(),
      wakes: new Map(),
      outbox: { ...common, epoch: claim.epoch, mail, messages: [message(0), message(1)] },
    };
    expect(await embedded.store.commit(claim, batch)).toBe('applied');
    expect(embedded.output.read(0, 10).map(({ key, value }) => [key, value && Array.from(value)])).toEqual([
      ['k0', [0]],
      ['k1', null],
    ]);
    expect((await embedded.log.ends(1))['customer-mail']).toBe(1);
    expect(await embedded.log.committed(0)).toEqual(positionsAt(1));
    await embedded.close();
  });

  test('what was written is there after it was closed and opened', async () => {
    const directory = folder();
    const first = openEmbedded({ directory, partitions: 3 });
    await first.log.append('orders', 2, [{ key: 'kim', recordAt: 5, value: Uint8Array.from([1, 2]) }]);
    first.environment.write(() => first.output.appendInTransaction([message(0)]));
    first.output.setCursor('files', 1, { size: 10 });
    await first.close();
    const second = openEmbedded({ directory });
    expect(second.environment.partitions).toBe(3);
    expect((await second.log.ends(2)).orders).toBe(1);
    expect(second.output.head()).toBe(1);
    expect(second.output.cursor('files')).toEqual({ sequence: 1, note: { size: 10 } });
    await second.close();
  });

  test('a second process is kept out, by name, and a lock of a dead one is taken over', async () => {
    const directory = folder();
    const first = openEmbedded({ directory });
    expect(() => openEmbedded({ directory })).toThrow(`is in use by process ${process.pid}`);
    await first.close();
    writeFileSync(path.join(directory, 'lock'), JSON.stringify({ pid: 2 ** 22 + 1, startedAt: '1' }));
    await openEmbedded({ directory }).close();
  });

  test('a reader beside the writer sees what was committed', async () => {
    const directory = folder();
    const writer = openEmbedded({ directory });
    const reader = openEmbedded({ directory, readOnly: true });
    await writer.log.append('orders', 0, [{ key: 'kim', recordAt: 5, value: Uint8Array.from([1]) }]);
    reader.log.refresh();
    expect((await reader.log.ends(0)).orders).toBe(1);
    await reader.close();
    await writer.close();
  });

  test('retention removes the read and forgets no offset', async () => {
    const directory = folder();
    const first = openEmbedded({ directory });
    const record = { key: 'kim', recordAt: 5, value: Uint8Array.from([1]) };
    await first.log.append(
      'orders',
      0,
      Array.from({ length: 2_500 }, () => record),
    );
    first.environment.write(() => first.output.appendInTransaction([message(0), message(1)]));
    expect(first.log.trim(0, { ...positionsAt(0), orders: 2_500 })).toBe(2_500);
    expect(first.output.trim(2)).toBe(2);
    await first.close();
    const second = openEmbedded({ directory });
    expect(await second.log.starts(0)).toEqual({ ...positionsAt(0), orders: 2_500 });
    expect(await second.log.append('orders', 0, [record])).toBe(2_500);
    expect(second.output.head()).toBe(2);
    await second.close();
  });

  test('another partition count and a missing state are errors that say what to do', async () => {
    const directory = folder();
    await openEmbedded({ directory, partitions: 2 }).close();
    expect(() => openEmbedded({ directory, partitions: 8 })).toThrow('set partitions to 2');
    expect(() => openEmbedded({ directory: path.join(directory, 'nowhere'), readOnly: true })).toThrow(
      'There is no state in',
    );
  });

  test('a transaction that fails leaves log and output as they were', async () => {
    const embedded = openEmbedded({ directory: folder() });
    const record = { key: 'kim', recordAt: 5, value: Uint8Array.from([1]) };
    const failing = (): void =>
      embedded.environment.write(() => {
        embedded.log.appendInTransaction('orders', 0, [record]);
        embedded.output.appendInTransaction([message(0)]);
        throw Object.assign(new Error('write failed'), { code: 'ENOSPC' });
      });
    expect(failing).toThrow('is full. Nothing that was acknowledged is lost');
    expect(await embedded.log.append('orders', 0, [record])).toBe(0);
    expect(embedded.output.head()).toBe(0);
    await embedded.close();
  });

  test('a transaction that LMDB itself takes back is run once more, from the same offsets', async () => {
    const embedded = openEmbedded({ directory: folder() });
    const record = { key: 'kim', recordAt: 5, value: Uint8Array.from([1]) };
    let runs = 0;
    const first = embedded.environment.write(() => {
      const offset = embedded.log.appendInTransaction('orders', 0, [record]);
      if (runs++ === 0)
        throw new Error('MDB_BAD_TXN: Transaction must abort: reserved freelist had a data entry');
      return offset;
    });
    expect([runs, first, (await embedded.log.ends(0)).orders]).toEqual([2, 0, 1]);
    await embedded.close();
  });
});
