/** What a lane makes of R and K where neither is simply behind the other; the simple cases are the simulation's. */
import { MemoryBroker, MemoryEventLog, MemoryPublisher } from '../../streams/memory';
import type { OutputTopic, Positions } from '../../schemas';
import type { Claim, EventLog, OutgoingMessage } from '../ports';
import { MemoryStateStore } from '../state/memory';
import { batchAfter, firstClaim, positionsAt } from '../state/state-store.contract';
import { DamagedPositionsError, reconcile } from './reconcile';
import type { Reconciled } from './reconcile';

const message = (id: string, topic: OutputTopic): OutgoingMessage => ({
  topic,
  key: 'kim',
  id,
  value: Uint8Array.of(1),
  headers: {},
});

class World {
  readonly broker = new MemoryBroker(1);
  readonly log: EventLog = new MemoryEventLog(this.broker);
  readonly store = new MemoryStateStore();
  readonly publisher = new MemoryPublisher(this.broker);

  constructor() {
    for (const topic of ['web-events', 'orders', 'customers', 'customer-commands', 'customer-mail'] as const)
      this.broker.skip(topic, 0, 10);
  }

  async commit(claim: Claim, to: Positions, messages: OutgoingMessage[], from = positionsAt(0)) {
    const batch = batchAfter(claim, 1, {});
    const outbox = { ...batch.outbox, epoch: claim.epoch, from, to, messages };
    expect(await this.store.commit(claim, { ...batch, from, to, outbox })).toBe('applied');
    return outbox;
  }

  /**
   * An owner of epoch 2 publishes up to `published`; the store forgets all of it, the claim too, and the owner of
   * epoch 1 writes its batch up to `written`.
   */
  async fork(published: Positions, written: Positions, messages: OutgoingMessage[]): Promise<void> {
    const zombie = await firstClaim(this.store);
    const before = this.store.snapshot();
    const owner = await this.store.claim(0);
    await this.publisher.fence(0);
    await this.publisher.publish(
      0,
      await this.commit(owner, published, [message('the owner said', 'sessions')]),
    );
    this.store.restore(before);
    await this.commit(zombie, written, messages);
  }

  /** As a lane starts: with an epoch behind all that was published. */
  async reconciled(): Promise<Reconciled> {
    let claim = await this.store.claim(0);
    await this.publisher.fence(0);
    const committed = await this.log.committed(0);
    while (claim.epoch <= (committed?.epoch ?? 0)) claim = await this.store.claim(0);
    return reconcile(claim, committed, this);
  }

  get said(): string[] {
    return this.broker.published.map(({ id }) => id);
  }
}

const zombies = [
  message('the zombie closed a session', 'sessions'),
  message('the zombie scored', 'engagement-scores'),
  message('the zombie alerted', 'engagement-alerts'),
];

test('a batch that a forgotten claim let a zombie write: its events are told, everybody is scored anew', async () => {
  const world = new World();
  await world.fork(positionsAt(1), positionsAt(2), zombies);
  expect(await world.reconciled()).toEqual({
    positions: positionsAt(2),
    recovery: { to: positionsAt(2), ofEveryone: true },
  });
  expect(world.said).toEqual(['the owner said', 'the zombie closed a session']);
  expect(await world.log.committed(0)).toEqual({ ...positionsAt(2), epoch: 3 });
  // Whoever comes after a crash at this point goes on with the same.
  expect((await world.reconciled()).recovery).toEqual({ to: positionsAt(2), ofEveryone: true });
});

test('the same where each was ahead of the other in a topic: both are read up to the further one', async () => {
  const world = new World();
  const furthest = { ...positionsAt(2), orders: 5 };
  await world.fork({ ...positionsAt(1), orders: 5 }, positionsAt(2), zombies);
  expect(await world.reconciled()).toEqual({
    positions: positionsAt(2),
    recovery: { to: furthest, ofEveryone: true },
  });
  expect(await world.log.committed(0)).toMatchObject(furthest);
});

test('positions that no outbox explains are damage', async () => {
  const world = new World();
  const claim = await firstClaim(world.store);
  await world.commit(claim, positionsAt(2), zombies);
  world.broker.setCommitted(0, { ...positionsAt(1), epoch: claim.epoch });
  await expect(world.reconciled()).rejects.toThrow(DamagedPositionsError);
  expect(world.said).toEqual([]);
});
