/** What an archive needs of the place that it is kept in. */
import type { ArchiveStorage } from './storage';

/** `openEmpty` gives a place of its own to each call; `again` opens the one that was opened last. */
export function storageContract(
  name: string,
  openEmpty: () => ArchiveStorage | Promise<ArchiveStorage>,
  again: () => ArchiveStorage,
): void {
  describe(name, () => {
    let storage: ArchiveStorage;
    beforeEach(async () => void (storage = await openEmpty()));
    afterEach(() => storage.close());
    const bytes = (text: string): Buffer => Buffer.from(text);

    test('an empty place lists nothing and reads nothing', async () => {
      expect(await storage.list('')).toEqual([]);
      expect(await storage.list('orders/')).toEqual([]);
      expect(await storage.read('orders/day=2026-01-05/p0.avro')).toBeNull();
    });

    test('what was written is read, by another reader too, byte for byte', async () => {
      const all = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
      await storage.write('orders/day=2026-01-05/p0.avro', all);
      const other = again();
      expect(await other.read('orders/day=2026-01-05/p0.avro')).toEqual(all);
      other.close();
    });

    test('a second write replaces the first, shorter or longer', async () => {
      await storage.write('a/b', bytes('first'));
      await storage.write('a/b', bytes('2'));
      expect(await storage.read('a/b')).toEqual(bytes('2'));
      await storage.write('a/b', bytes('the third'));
      expect(await storage.read('a/b')).toEqual(bytes('the third'));
      expect(await storage.list('')).toEqual(['a/b']);
    });

    test('an object without bytes is an object', async () => {
      await storage.write('empty', bytes(''));
      expect(await storage.read('empty')).toEqual(bytes(''));
    });

    test('lists by prefix, in byte order', async () => {
      const names = [
        'archive.json',
        'orders/day=1/p1',
        'orders/day=1/p10',
        'orders/day=1/p2',
        'orders/day=2/p0',
      ];
      for (const one of [...names].reverse()) await storage.write(one, bytes(one));
      await storage.write('orders-of-others/p0', bytes('x'));
      expect(await storage.list('orders/')).toEqual(names.slice(1));
      expect(await storage.list('orders/day=1/p1')).toEqual(['orders/day=1/p1', 'orders/day=1/p10']);
      expect(await storage.list('nothing/')).toEqual([]);
    });

    test('lists more than a page of a thousand', async () => {
      const names = Array.from({ length: 1_100 }, (_, at) => `many/${String(at).padStart(5, '0')}`);
      for (let at = 0; at < names.length; at += 50)
        await Promise.all(names.slice(at, at + 50).map(one => storage.write(one, bytes('x'))));
      expect(await storage.list('many/')).toEqual(names);
    }, 60_000);
  });
}
