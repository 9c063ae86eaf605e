/** Stores that fail as machines do, over a real one. */
import type { RegistryStore } from '../registry/store';

class MachineDied extends Error {
  override readonly name = 'MachineDied';
}

/**
 * Dies at the `at`th operation, before or after it took effect; every later one fails too. `operations` says how many
 * there were.
 */
export function dyingStore(
  store: RegistryStore,
  at: number,
  when: 'before' | 'after',
): RegistryStore & { readonly operations: number } {
  let operations = 0;
  async function step<T>(work: () => Promise<T>): Promise<T> {
    const mine = ++operations;
    if (mine > at || (mine === at && when === 'before')) throw new MachineDied();
    const answer = await work();
    if (mine === at) throw new MachineDied();
    return answer;
  }
  return {
    get operations() {
      return operations;
    },
    place: store.place,
    list: prefix => step(() => store.list(prefix)),
    read: (name, limit) => step(() => store.read(name, limit)),
    swap: (name, bytes, expected) => step(() => store.swap(name, bytes, expected)),
    close: () => undefined,
  };
}

/** One bit of the object `damaged` is turned when it is written: the byte at this share of its length. */
export function damagingStore(store: RegistryStore, damaged: string, share: number): RegistryStore {
  return {
    place: store.place,
    list: prefix => store.list(prefix),
    read: (name, limit) => store.read(name, limit),
    swap: (name, bytes, expected) => {
      const written = Buffer.from(bytes);
      if (name.endsWith(`/${damaged}`)) written[Math.floor(share * (written.length - 1))]! ^= 1;
      return store.swap(name, written, expected);
    },
    close: () => undefined,
  };
}

/** Every operation waits for its turn. */
export function scheduledStore(
  store: RegistryStore,
  turn: (label: string) => Promise<unknown>,
): RegistryStore {
  return {
    place: store.place,
    list: async prefix => {
      await turn(`list ${prefix}`);
      return store.list(prefix);
    },
    read: async (name, limit) => {
      await turn(`read ${name}`);
      return store.read(name, limit);
    },
    swap: async (name, bytes, expected) => {
      await turn(`swap ${name}`);
      return store.swap(name, bytes, expected);
    },
    close: () => undefined,
  };
}
