/** What a registry needs of the place that it is kept in. */
import type { RegistryStore } from './store';

const LIMIT = 1 << 20;

/** `openEmpty` gives a place of its own to each call; `again` opens the one that was opened last. */
export function registryStoreContract(
  name: string,
  openEmpty: () => RegistryStore,
  again: () => RegistryStore,
): void {
  describe(name, () => {
    let store: RegistryStore;
    beforeEach(() => void (store = openEmpty()));
    afterEach(() => store.close());
    const bytes = (text: string): Buffer => Buffer.from(text);
    const text = async (at: string): Promise<string | null> => {
      const found = await store.read(at, LIMIT);
      return found === null ? null : Buffer.from(found.bytes).toString();
    };

    test('an empty place lists nothing and reads nothing', async () => {
      expect(await store.list('')).toEqual([]);
      expect(await store.list('churn/')).toEqual([]);
      expect(await store.read('churn/current.json', LIMIT)).toBeNull();
    });

    test('what was written is read, by another reader too, byte for byte, with the same tag', async () => {
      const all = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
      expect(await store.swap('churn/v/model.onnx', all, null)).toBe(true);
      const other = again();
      const [here, there] = [
        await store.read('churn/v/model.onnx', LIMIT),
        await other.read('churn/v/model.onnx', LIMIT),
      ];
      expect(Buffer.from(there!.bytes)).toEqual(all);
      expect(there!.tag).toBe(here!.tag);
      other.close();
    });

    test('a name that is taken is not written again, and the same bytes are no conflict', async () => {
      await store.swap('a/b', bytes('first'), null);
      expect(await store.swap('a/b', bytes('second'), null)).toBe(false);
      expect(await text('a/b')).toBe('first');
      expect(await store.swap('a/b', bytes('first'), null)).toBe(true);
    });

    test('bytes are replaced by whoever saw them, and by nobody else', async () => {
      await store.swap('a/b', bytes('first'), null);
      const { tag } = (await store.read('a/b', LIMIT))!;
      expect(await store.swap('a/b', bytes('second, and longer'), tag)).toBe(true);
      expect(await store.swap('a/b', bytes('third'), tag)).toBe(false);
      expect(await text('a/b')).toBe('second, and longer');
      expect(await store.swap('a/none', bytes('x'), tag)).toBe(false);
      expect(await store.read('a/none', LIMIT)).toBeNull();
      expect(await store.list('')).toEqual(['a/b']);
    });

    test('of many who replace the same bytes at once exactly one wins, round after round', async () => {
      await store.swap('a/b', bytes('0'), null);
      for (let round = 1; round <= 5; round++) {
        const { tag } = (await store.read('a/b', LIMIT))!;
        const others = Array.from({ length: 6 }, again);
        const won = await Promise.all(
          others.map((other, at) => other.swap('a/b', bytes(`${round} by ${at}`), tag)),
        );
        others.forEach(other => other.close());
        expect(won.filter(Boolean)).toHaveLength(1);
        expect(await text('a/b')).toBe(`${round} by ${won.indexOf(true)}`);
      }
    });

    test('of many who make the same name at once exactly one wins', async () => {
      const others = Array.from({ length: 6 }, again);
      const won = await Promise.all(others.map((other, at) => other.swap('a/new', bytes(`by ${at}`), null)));
      others.forEach(other => other.close());
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await text('a/new')).toBe(`by ${won.indexOf(true)}`);
    });

    test('what is larger than the limit is refused, what is as large is read', async () => {
      await store.swap('churn/current.json', bytes('12345'), null);
      await expect(store.read('churn/current.json', 4)).rejects.toMatchObject({
        code: 'file-oversize',
        artifact: 'churn/current.json',
        reason: 'it has 5 bytes, more than the limit of 4',
      });
      expect((await store.read('churn/current.json', 5))!.bytes).toHaveLength(5);
    });

    test('lists by prefix, in byte order', async () => {
      const names = ['_audit/churn/1', 'churn/current.json', 'churn/v1/a', 'churn/v10/a', 'churn/v2/a'];
      for (const one of [...names].reverse()) await store.swap(one, bytes(one), null);
      await store.swap('churners/v1/a', bytes('x'), null);
      expect(await store.list('churn/')).toEqual(names.slice(1));
      expect(await store.list('churn/v1')).toEqual(['churn/v1/a', 'churn/v10/a']);
      expect(await store.list('nothing/')).toEqual([]);
    });
  });
}
