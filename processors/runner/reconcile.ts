/**
 * Step 3 of the lane: the store's positions R against the log's committed positions K, topic by topic.
 * Positions are vectors, and every transaction sends all of them.
 */
import type { Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import type { Claim, EventLog, Publisher, StateStore } from '../ports';

/** R and K can't both be true: the operator must say which. Nothing is reset in silence. */
export class DamagedPositionsError extends Error {
  override readonly name = 'DamagedPositionsError';
}

const same = (a: Positions, b: Positions): boolean => INPUT_TOPICS.every(topic => a[topic] === b[topic]);
const show = (positions: Positions): string =>
  INPUT_TOPICS.map(topic => `${topic} ${positions[topic]}`).join(', ');

function damaged(claim: Claim, why: string): DamagedPositionsError {
  return new DamagedPositionsError(
    `Partition ${claim.partition}: ${why} Nothing was changed. Restore the state from a backup, or rebuild it from the archive.`,
  );
}

/** Positions from which the lane goes on. */
export async function reconcile(
  claim: Claim,
  { store, publisher, log }: { store: StateStore; publisher: Publisher; log: EventLog },
): Promise<Positions> {
  const { positions: stored, outbox, partition } = claim;
  const committed = await log.committed(partition);
  const starts = await log.starts(partition);
  if (stored === null) {
    if (committed !== null)
      throw damaged(claim, `the log has committed ${show(committed)} but the state is empty.`);
    await store.initialise(claim, starts);
    return starts;
  }
  const lost = INPUT_TOPICS.find(topic => stored[topic] < starts[topic]);
  if (lost !== undefined)
    throw damaged(
      claim,
      `${lost} begins at ${starts[lost]}, the state is at ${stored[lost]}: retention has overtaken it.`,
    );
  if (committed === null || same(stored, committed)) {
    if (committed === null && outbox !== null) await publisher.publish(partition, outbox);
    return stored;
  }
  if (outbox !== null && same(outbox.from, committed) && same(outbox.to, stored)) {
    await publisher.publish(partition, outbox);
    return stored;
  }
  throw damaged(claim, `the state is at ${show(stored)}, the log has committed ${show(committed)}.`);
}
