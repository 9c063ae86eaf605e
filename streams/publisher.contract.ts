/** What every Publisher keeps together with the store and the log beside it: a batch that was committed goes out. */
import type { OutputTopic } from '../schemas';
import type {
  EventLog,
  Outbox,
  OutgoingMail,
  OutgoingMessage,
  Publisher,
  StateStore,
} from '../processors/ports';
import { batchAfter, firstClaim, positionsAt } from '../processors/state/state-store.contract';

export interface Published {
  topic: OutputTopic;
  key: string;
  id: string;
  value: Uint8Array | null;
}

export interface PublisherWorld {
  log: EventLog;
  store: StateStore;
  /** Of the process that owns the partitions. */
  publisher: Publisher;
  /** What a read_committed consumer has seen; of one topic and key in the order of publication. */
  published(): readonly Published[] | Promise<readonly Published[]>;
  close(): Promise<void>;
}

const message = (name: string, topic: OutputTopic = 'sessions'): OutgoingMessage => ({
  topic,
  key: `key-${name}`,
  id: `id-${name}`,
  value: Uint8Array.from(Buffer.from(name)),
  headers: { ce_id: `id-${name}` },
});

const letter = (to: string, partition: number, recordAt: number): OutgoingMail => ({
  to,
  partition,
  recordAt,
  value: Uint8Array.from(Buffer.from(`for ${to}`)),
});

const names = async (world: PublisherWorld): Promise<string[]> =>
  (await world.published()).map(({ id }) => id).sort();

/** Commits one batch with these messages; the outbox still has to be published. */
async function commit(
  { store }: PublisherWorld,
  messages: OutgoingMessage[],
  mail: OutgoingMail[] = [],
): Promise<Outbox> {
  const claim = await firstClaim(store);
  const batch = batchAfter(claim, 1, {});
  const outbox = { ...batch.outbox, messages, mail };
  expect(await store.commit(claim, { ...batch, outbox })).toBe('applied');
  return outbox;
}

export function describePublisher(name: string, open: () => Promise<PublisherWorld>): void {
  describe(`${name} keeps the contract of a publisher`, () => {
    let world: PublisherWorld;
    beforeEach(async () => void (world = await open()));
    afterEach(async () => world.close());
    publishing(() => world);
    repairing(() => world);
  });
}

function publishing(world: () => PublisherWorld): void {
  test('commit, then publish: every message is out once and the positions are committed', async () => {
    await world().publisher.fence(0);
    const outbox = await commit(world(), [message('a'), message('b', 'engagement-scores')]);
    await world().publisher.publish(0, outbox);
    expect(await names(world())).toEqual(['id-a', 'id-b']);
    const b = (await world().published()).find(({ id }) => id === 'id-b')!;
    expect(b).toMatchObject({ topic: 'engagement-scores', key: 'key-b' });
    expect(Buffer.from(b.value!).toString()).toBe('b');
    expect(await world().log.committed(0)).toMatchObject(positionsAt(1));
    expect(await world().log.committed(1)).toBeNull();
  });

  test('a tombstone has no value; an empty value is not a tombstone', async () => {
    await world().publisher.fence(0);
    const outbox = await commit(world(), [
      { ...message('gone'), value: null },
      { ...message('empty'), value: new Uint8Array(0) },
    ]);
    await world().publisher.publish(0, outbox);
    const sizes = (await world().published()).map(({ id, value }) => [id, value?.length ?? null]);
    expect(Object.fromEntries(sizes)).toEqual({ 'id-gone': null, 'id-empty': 0 });
  });

  test('messages of one key keep their order, within a batch and over batches', async () => {
    const { publisher, store } = world();
    await publisher.fence(0);
    const claim = await firstClaim(store);
    const sent = [1, 2, 3].flatMap(step =>
      ['a', 'b', 'c'].map(letter => ({ ...message(`${step}${letter}`), key: 'kim' })),
    );
    for (const step of [1, 2, 3]) {
      const batch = batchAfter(claim, step, {});
      const outbox = { ...batch.outbox, messages: sent.slice(3 * step - 3, 3 * step) };
      expect(await store.commit(claim, { ...batch, outbox })).toBe('applied');
      await publisher.publish(0, outbox);
    }
    expect((await world().published()).map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
    expect(await world().log.committed(0)).toMatchObject(positionsAt(3));
  });

  test('mail is in the customer-mail of its target, with the record time of what caused it', async () => {
    await world().publisher.fence(0);
    const outbox = await commit(world(), [], [letter('lee', 1, 77), letter('kim', 0, 78)]);
    await world().publisher.publish(0, outbox);
    const [batch] = (await world().log.read(1, positionsAt(0), 10)).filter(
      ({ topic }) => topic === 'customer-mail',
    );
    expect(batch!.records).toMatchObject([{ key: 'lee', recordAt: 77, offset: 0 }]);
    expect(Buffer.from(batch!.records[0]!.value).toString()).toBe('for lee');
    expect((await world().log.ends(0))['customer-mail']).toBe(1);
  });

  test('a batch without messages still moves the committed positions', async () => {
    await world().publisher.fence(0);
    await world().publisher.publish(0, await commit(world(), []));
    expect(await world().log.committed(0)).toMatchObject(positionsAt(1));
  });
}

function repairing(world: () => PublisherWorld): void {
  test('a crash between commit and publish: the next owner publishes what is in the outbox', async () => {
    await world().publisher.fence(0);
    await commit(world(), [message('a')], [letter('lee', 1, 77)]);
    const { outbox, positions } = await world().store.claim(0);
    await world().publisher.fence(0);
    if (outbox !== null) await world().publisher.publish(0, outbox);
    expect(await names(world())).toEqual(['id-a']);
    expect((await world().log.ends(1))['customer-mail']).toBe(1);
    expect(await world().log.committed(0)).toMatchObject(positions!);
  });

  test('a commit that was fenced publishes nothing', async () => {
    const { store, log, publisher } = world();
    const old = await firstClaim(store);
    await publisher.fence(0);
    await store.claim(0);
    const batch = batchAfter(old, 1, {});
    const outbox = { ...batch.outbox, messages: [message('zombie')], mail: [letter('lee', 1, 1)] };
    expect(await store.commit(old, { ...batch, outbox })).toBe('fenced');
    expect(await names(world())).toEqual([]);
    expect((await log.ends(1))['customer-mail']).toBe(0);
  });

  test('a commit that is repeated publishes nothing more', async () => {
    const { store, publisher } = world();
    const claim = await firstClaim(store);
    await publisher.fence(0);
    const batch = batchAfter(claim, 1, {});
    const outbox = { ...batch.outbox, messages: [message('a')] };
    await store.commit(claim, { ...batch, outbox });
    expect(await store.commit(claim, { ...batch, outbox })).toBe('alreadyApplied');
    await publisher.publish(0, outbox);
    expect(await names(world())).toEqual(['id-a']);
  });
}
