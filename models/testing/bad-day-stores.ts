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

/** Every operation takes effect when it is asked for, and answers when `turn` lets it. */
export function scheduledStore(
  store: RegistryStore,
  turn: <T>(answer: Promise<T>, label: string) => Promise<T>,
): RegistryStore {
  return {
    place: store.place,
    list: prefix => turn(store.list(prefix), `list ${prefix}`),
    read: (name, limit) => turn(store.read(name, limit), `read ${name}`),
    swap: (name, bytes, expected) => turn(store.swap(name, bytes, expected), `swap ${name}`),
    close: () => undefined,
  };
}
