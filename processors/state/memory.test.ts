import { NEVER } from '../../schemas';
import { compareIds } from './byte-order';
import { MemoryStateStore } from './memory';
import { batchAfter, describeStateStore, firstClaim, positionsAt } from './state-store.contract';

describeStateStore('memory', async () => ({ store: new MemoryStateStore(), close: async () => undefined }));

describe('lost writes', () => {
  test('restore brings back states, due entries, positions and the owner of the snapshot', async () => {
    const store = new MemoryStateStore();
    const claim = await firstClaim(store);
    await store.commit(claim, batchAfter(claim, 1, { a: { value: 'A', wake: 5 } }));
    const snapshot = store.snapshot();
    await store.commit(
      claim,
      batchAfter(claim, 2, { a: { value: 'AA', wake: 9 }, b: { value: 'B', wake: 1 } }),
    );
    const lostOwner = await store.claim(0);
    store.restore(snapshot);
    expect(await store.due(0, NEVER, 9)).toEqual([{ customerId: 'a', dueAt: 5 }]);
    await expect(store.load(lostOwner, ['a'])).rejects.toThrow('Another owner');
    expect(
      (await store.load(claim, ['a', 'b'])).map(value => value && Buffer.from(value).toString()),
    ).toEqual(['A', null]);
    expect(await store.claim(0)).toMatchObject({ positions: positionsAt(1), batchNumber: 1 });
  });

  test('a snapshot may be restored more than once and is not changed by later commits', async () => {
    const store = new MemoryStateStore();
    const claim = await firstClaim(store);
    const snapshot = store.snapshot();
    for (let round = 0; round < 2; round++) {
      expect(await store.commit(claim, batchAfter(claim, 1, { a: { value: `${round}` } }))).toBe('applied');
      store.restore(snapshot);
      expect(await store.scan(0, 10)).toEqual([]);
    }
  });

  test('no token is ever given twice', async () => {
    const store = new MemoryStateStore();
    const snapshot = store.snapshot();
    const first = await store.claim(0);
    store.restore(snapshot);
    const second = await store.claim(0);
    expect(second.token).not.toBe(first.token);
  });
});

test('ids compare as their bytes do', () => {
  const ids = ['', 'a', 'ab', 'b', 'é', '\ud7ff', '\ue000', '\uffff', '𐀀', '😀', '😀a', 'Ａ'];
  for (const a of ids)
    for (const b of ids)
      expect(Math.sign(compareIds(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
});
