/** What every StateStore keeps, whatever holds it. An adapter's test is ten lines that call this. */
import type { CustomerId, EpochMs, InputTopic, Positions } from '../../schemas';
import { INPUT_TOPICS, NEVER } from '../../schemas';
import { FencedError } from '../ports';
import type { Claim, StateBatch, StateStore } from '../ports';

export const positionsAt = (offset: number): Positions =>
  Object.fromEntries(INPUT_TOPICS.map(topic => [topic, offset])) as Record<InputTopic, number>;

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const text = (value: Uint8Array | null): string | null =>
  value === null ? null : Buffer.from(value).toString();
const idsOf = (entries: readonly { customerId: CustomerId }[]): CustomerId[] =>
  entries.map(({ customerId }) => customerId);

interface Change {
  /** Left out: the state is not part of the batch. */
  value?: string | null;
  /** Left out: the due entry is not part of the batch. */
  wake?: EpochMs;
}

/** The `step`th batch after the claim; `to` shifts its positions away from the ones that follow. */
export function batchAfter(
  claim: Claim,
  step: number,
  changes: Record<CustomerId, Change>,
  to = positionsAt(step),
): StateBatch {
  const from = positionsAt(step - 1);
  const batchNumber = claim.batchNumber + step;
  const entries = Object.entries(changes);
  const states = entries.flatMap(([id, { value }]) =>
    value === undefined ? [] : [[id, value === null ? null : bytes(value)] as const],
  );
  return {
    batchNumber,
    from,
    to,
    mailPositions: { 'web-events/0': { offset: step, index: 1 } },
    clocks: positionsAt(step * 1_000),
    states: new Map(states),
    wakes: new Map(entries.flatMap(([id, { wake }]) => (wake === undefined ? [] : [[id, wake] as const]))),
    outbox: { batchNumber, epoch: claim.epoch, from, to, mail: [], messages: [] },
  };
}

export async function firstClaim(store: StateStore, partition = 0): Promise<Claim> {
  const claim = await store.claim(partition);
  await store.initialise(claim, positionsAt(0));
  return { ...claim, positions: positionsAt(0) };
}

/** Gives a store of at least two partitions, empty. */
export type OpenStateStore = () => Promise<{ store: StateStore; close(): Promise<void> }>;

export function describeStateStore(name: string, open: OpenStateStore): void {
  describe(`${name} keeps the contract of a state store`, () => {
    let store: StateStore;
    let close: () => Promise<void>;
    beforeEach(async () => ({ store, close } = await open()));
    afterEach(async () => close());
    const withStore = (): StateStore => store;
    ownership(withStore);
    batches(withStore);
    values(withStore);
    dueIndex(withStore);
    scans(withStore);
  });
}

function ownership(store: () => StateStore): void {
  test('a first claim has no positions; every claim has a fresh token and a higher epoch', async () => {
    const first = await store().claim(0);
    const second = await store().claim(0);
    expect(first).toMatchObject({
      partition: 0,
      positions: null,
      batchNumber: 0,
      mailPositions: {},
      outbox: null,
    });
    expect(second.epoch).toBeGreaterThan(first.epoch);
    expect(second.token).not.toBe(first.token);
  });

  test('initialise writes the positions that the next claim finds', async () => {
    await store().initialise(await store().claim(0), positionsAt(7));
    expect(await store().claim(0)).toMatchObject({ positions: positionsAt(7), batchNumber: 0 });
  });

  test('initialise may be repeated, but moves no positions that are there', async () => {
    const claim = await store().claim(0);
    await store().initialise(claim, positionsAt(7));
    await store().initialise(claim, positionsAt(7));
    await expect(store().initialise(claim, positionsAt(3))).rejects.toThrow('has positions already');
    expect((await store().claim(0)).positions).toEqual(positionsAt(7));
  });

  test('an owner that was overtaken can neither commit nor load nor initialise', async () => {
    const old = await firstClaim(store());
    const owner = await store().claim(0);
    expect(await store().commit(old, batchAfter(old, 1, { a: { value: 'zombie', wake: 1 } }))).toBe('fenced');
    await expect(store().load(old, ['a'])).rejects.toThrow(FencedError);
    await expect(store().initialise(old, positionsAt(0))).rejects.toThrow(FencedError);
    expect(await store().load(owner, ['a'])).toEqual([null]);
    expect(await store().due(0, NEVER, 10)).toEqual([]);
  });

  test('an overtaken owner stays fenced when its batch was applied before', async () => {
    const old = await firstClaim(store());
    const batch = batchAfter(old, 1, { a: { value: 'A' } });
    await store().commit(old, batch);
    await store().claim(0);
    expect(await store().commit(old, batch)).toBe('fenced');
  });

  test('a claim of one partition leaves the owners of the others alone', async () => {
    const claim = await firstClaim(store());
    await store().claim(1);
    expect(await store().commit(claim, batchAfter(claim, 1, { a: { value: 'A' } }))).toBe('applied');
  });
}

function batches(store: () => StateStore): void {
  test('positions, batch number, mail positions and clocks of a commit are found by the next claim', async () => {
    const claim = await firstClaim(store());
    await store().commit(claim, batchAfter(claim, 1, {}));
    await store().commit(claim, batchAfter(claim, 2, {}));
    expect(await store().claim(0)).toMatchObject({
      positions: positionsAt(2),
      batchNumber: claim.batchNumber + 2,
      mailPositions: { 'web-events/0': { offset: 2, index: 1 } },
      clocks: positionsAt(2_000),
    });
  });

  test('my own retry is already applied and changes nothing', async () => {
    const claim = await firstClaim(store());
    const batch = batchAfter(claim, 1, { a: { value: 'A' } });
    await store().commit(claim, batch);
    const retried = { ...batch, states: new Map([['a', bytes('other')]]) };
    expect(await store().commit(claim, retried)).toBe('alreadyApplied');
    expect((await store().load(claim, ['a'])).map(text)).toEqual(['A']);
  });

  test.each([
    ['skips a batch number', (claim: Claim) => batchAfter(claim, 2, { a: { value: 'A', wake: 1 } })],
    [
      'has the number that was applied, but other positions',
      (claim: Claim) => batchAfter(claim, 0, { a: { value: 'A', wake: 1 } }, positionsAt(5)),
    ],
    [
      'starts at other positions',
      (claim: Claim) => ({
        ...batchAfter(claim, 1, { a: { value: 'A', wake: 1 } }),
        from: { ...positionsAt(0), orders: 1 },
      }),
    ],
  ])('a batch that %s is a gap and writes nothing', async (_, batchOf) => {
    const claim = await firstClaim(store());
    expect(await store().commit(claim, batchOf(claim))).toBe('gap');
    expect(await store().load(claim, ['a'])).toEqual([null]);
    expect(await store().due(0, NEVER, 10)).toEqual([]);
    expect(await store().claim(0)).toMatchObject({ positions: positionsAt(0), batchNumber: 0 });
  });

  test('a batch before initialise is a gap', async () => {
    const claim = await store().claim(0);
    expect(await store().commit(claim, batchAfter(claim, 1, {}))).toBe('gap');
  });

  test('the owner sees the positions that are held, and nobody else does', async () => {
    const claim = await firstClaim(store());
    expect(await store().positionsOf(claim)).toEqual(positionsAt(0));
    await store().commit(claim, batchAfter(claim, 1, { kim: { value: 'a' } }));
    expect(await store().positionsOf(claim)).toEqual(positionsAt(1));
    await store().claim(0);
    await expect(store().positionsOf(claim)).rejects.toThrow(FencedError);
  });

  test('a new owner goes on from where the last one committed', async () => {
    const first = await firstClaim(store());
    await store().commit(first, batchAfter(first, 1, { a: { value: 'A' } }));
    const second = await store().claim(0);
    const next = { ...batchAfter(first, 2, { a: { value: 'AA' } }) };
    expect(await store().commit(second, next)).toBe('applied');
    expect((await store().load(second, ['a'])).map(text)).toEqual(['AA']);
  });
}

function values(store: () => StateStore): void {
  test('a commit is read back, in the order that was asked, null where nothing is known', async () => {
    const claim = await firstClaim(store());
    await store().commit(claim, batchAfter(claim, 1, { b: { value: 'B' }, a: { value: 'A' } }));
    expect((await store().load(claim, ['a', 'unknown', 'b', 'a'])).map(text)).toEqual(['A', null, 'B', 'A']);
    expect(await store().load(claim, [])).toEqual([]);
  });

  test('the store keeps its own copy of what it was given', async () => {
    const claim = await firstClaim(store());
    const value = bytes('AAAA');
    const batch = { ...batchAfter(claim, 1, {}), states: new Map([['a', value]]) };
    await store().commit(claim, batch);
    value.fill(0);
    expect((await store().load(claim, ['a'])).map(text)).toEqual(['AAAA']);
  });

  test('what was loaded stays as it was while later commits overwrite it', async () => {
    const claim = await firstClaim(store());
    const names = Array.from({ length: 50 }, (_, index) => `customer-${index}`);
    const all = (value: string) => Object.fromEntries(names.map(id => [id, { value: `${value}-${id}` }]));
    await store().commit(claim, batchAfter(claim, 1, all('old')));
    const loaded = await store().load(claim, names);
    for (let step = 2; step < 6; step++) await store().commit(claim, batchAfter(claim, step, all('new')));
    await store().load(claim, names);
    expect(loaded.map(text)).toEqual(names.map(id => `old-${id}`));
  });

  test('the value null removes the customer and its due entry, also one that is set in the same batch', async () => {
    const claim = await firstClaim(store());
    await store().commit(
      claim,
      batchAfter(claim, 1, { a: { value: 'A', wake: 5 }, b: { value: 'B', wake: 5 } }),
    );
    await store().commit(claim, batchAfter(claim, 2, { a: { value: null, wake: 9 }, b: { value: null } }));
    expect(await store().load(claim, ['a', 'b'])).toEqual([null, null]);
    expect(await store().due(0, NEVER, 10)).toEqual([]);
    expect(await store().scan(0, 10)).toEqual([]);
  });

  test.each([
    ['an empty value', ''],
    ['a large value', 'x'.repeat(300_000)],
  ])('%s comes back whole', async (_, value) => {
    const claim = await firstClaim(store());
    await store().commit(claim, batchAfter(claim, 1, { a: { value } }));
    expect((await store().load(claim, ['a'])).map(text)).toEqual([value]);
  });

  test('partitions do not see each other', async () => {
    const claim = await firstClaim(store());
    const other = await firstClaim(store(), 1);
    await store().commit(claim, batchAfter(claim, 1, { a: { value: 'A', wake: 7 } }));
    expect(await store().load(other, ['a'])).toEqual([null]);
    expect(await store().due(1, NEVER, 10)).toEqual([]);
    expect(await store().nextDue(1)).toBe(NEVER);
    expect(await store().scan(1, 10)).toEqual([]);
  });
}

function dueIndex(store: () => StateStore): void {
  test('due entries come by instant and id, until the given instant, after the cursor', async () => {
    const claim = await firstClaim(store());
    const wakes = { d: 30, a: 20, c: 10, b: 20 };
    const changes = Object.fromEntries(Object.entries(wakes).map(([id, wake]) => [id, { value: id, wake }]));
    await store().commit(claim, batchAfter(claim, 1, changes));
    const all = await store().due(0, NEVER, 10);
    expect(all).toEqual([
      { customerId: 'c', dueAt: 10 },
      { customerId: 'a', dueAt: 20 },
      { customerId: 'b', dueAt: 20 },
      { customerId: 'd', dueAt: 30 },
    ]);
    expect(await store().due(0, 20, 10)).toHaveLength(3);
    expect(await store().due(0, 19, 10)).toHaveLength(1);
    expect(await store().due(0, 9, 10)).toEqual([]);
    expect(await store().due(0, 30, 2)).toEqual(all.slice(0, 2));
    expect(idsOf(await store().due(0, 30, 10, all[1]))).toEqual(['b', 'd']);
    expect(idsOf(await store().due(0, 20, 1, all[1]))).toEqual(['b']);
    expect(await store().nextDue(0)).toBe(10);
  });

  test('a cursor whose entry is gone goes on with the ones after it', async () => {
    const claim = await firstClaim(store());
    await store().commit(
      claim,
      batchAfter(claim, 1, { a: { value: 'a', wake: 10 }, b: { value: 'b', wake: 30 } }),
    );
    expect(idsOf(await store().due(0, NEVER, 10, { customerId: 'x', dueAt: 20 }))).toEqual(['b']);
    expect(await store().due(0, 20, 10, { customerId: 'x', dueAt: 25 })).toEqual([]);
  });

  test('a customer has one due entry: moved, removed by NEVER, left alone by a batch without a wake', async () => {
    const claim = await firstClaim(store());
    const three = { a: { value: 'a', wake: 10 }, b: { value: 'b', wake: 10 }, c: { value: 'c', wake: 10 } };
    await store().commit(claim, batchAfter(claim, 1, three));
    await store().commit(
      claim,
      batchAfter(claim, 2, {
        a: { value: 'a', wake: 40 },
        b: { value: 'b', wake: NEVER },
        c: { value: 'cc' },
      }),
    );
    expect(await store().due(0, NEVER, 10)).toEqual([
      { customerId: 'c', dueAt: 10 },
      { customerId: 'a', dueAt: 40 },
    ]);
    expect((await store().load(claim, ['c'])).map(text)).toEqual(['cc']);
  });

  test('a wake without a state moves the entry of a known customer, and makes none for an unknown one', async () => {
    const claim = await firstClaim(store());
    await store().commit(claim, batchAfter(claim, 1, { a: { value: 'a', wake: 10 } }));
    await store().commit(claim, batchAfter(claim, 2, { a: { wake: 50 }, nobody: { wake: 20 } }));
    expect(await store().due(0, NEVER, 10)).toEqual([{ customerId: 'a', dueAt: 50 }]);
    expect((await store().load(claim, ['a'])).map(text)).toEqual(['a']);
  });

  test('pages of due entries put together are the whole index', async () => {
    const claim = await firstClaim(store());
    const changes = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [
        `c${(index * 37) % 60}`,
        { value: 'v', wake: 1_000 + (index % 7) },
      ]),
    );
    await store().commit(claim, batchAfter(claim, 1, changes));
    const whole = await store().due(0, NEVER, 1_000);
    const paged: typeof whole = [];
    for (;;) {
      const page = await store().due(0, NEVER, 7, paged[paged.length - 1]);
      if (page.length === 0) break;
      paged.push(...page);
    }
    expect(whole).toHaveLength(60);
    expect(paged).toEqual(whole);
  });
}

/** In byte order; UTF-16 would put the emoji before U+FF21. */
const ORDERED_IDS = ['A', 'a', 'a1', 'b', 'é', 'Ａ', '😀'];

function scans(store: () => StateStore): void {
  test('a scan visits every customer once, in byte order of the ids', async () => {
    const claim = await firstClaim(store());
    const changes = Object.fromEntries(
      [...ORDERED_IDS].reverse().map(id => [id, { value: `v${id}`, wake: 5 }]),
    );
    await store().commit(claim, batchAfter(claim, 1, changes));
    const first = await store().scan(0, 3);
    const rest = await store().scan(0, 10, first[2]!.customerId);
    expect(idsOf([...first, ...rest])).toEqual(ORDERED_IDS);
    expect([...first, ...rest].map(({ value }) => text(value))).toEqual(ORDERED_IDS.map(id => `v${id}`));
    expect(idsOf(await store().due(0, NEVER, 10))).toEqual(ORDERED_IDS);
    expect(await store().scan(0, 10, '😀')).toEqual([]);
  });

  test('a walk in pages meets everybody who is there throughout, each with the stored value', async () => {
    const claim = await firstClaim(store());
    const ids = Array.from({ length: 300 }, (_, at) => `c${at}`);
    const changes = ids.map(id => [id, { value: `${id}:${'x'.repeat(80)}` }] as const);
    await store().commit(claim, batchAfter(claim, 1, Object.fromEntries(changes)));
    const met = new Map<string, string | null>();
    let pages = 0;
    for (let mark: string | null = null, isOver = false; !isOver; pages++) {
      const { customers, next } = await store().walk(0, 40, mark);
      for (const { customerId, value } of customers) met.set(customerId, text(value));
      [mark, isOver] = [next, next === null];
      if (pages !== 2) continue;
      await store().commit(claim, batchAfter(claim, 2, { late: { value: 'late' }, c7: { value: null } }));
    }
    expect(pages).toBeGreaterThanOrEqual(4);
    for (const [id, { value }] of changes) if (id !== 'c7') expect([id, met.get(id)]).toEqual([id, value]);
    expect(await store().walk(1, 40, null)).toEqual({ customers: [], next: null });
  });

  test('a scan goes on after a cursor that is not there any more', async () => {
    const claim = await firstClaim(store());
    await store().commit(claim, batchAfter(claim, 1, { a: { value: 'a' }, c: { value: 'c' } }));
    expect(idsOf(await store().scan(0, 10, 'b'))).toEqual(['c']);
  });
}
