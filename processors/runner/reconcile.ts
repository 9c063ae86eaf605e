/**
 * Step 3 of the lane: the store's positions R against the log's committed positions K, topic by topic.
 * Positions are vectors, and every transaction sends all of them.
 */
import type { Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import type { Claim, CommittedPositions, EventLog, Outbox, Publisher, StateStore } from '../ports';
import { isBehind, offsetsOf, samePositions, showPositions } from './positions';

/** R and K can't both be true: the operator must say which. Nothing is reset in silence. */
export class DamagedPositionsError extends Error {
  override readonly name = 'DamagedPositionsError';
}

/** Kept among the mail positions while a recovery is under way, so that a crash in it is continued. */
export const RECOVERY_MARK = 'recovery/0';

export interface Reconciled {
  /** From here the lane goes on. */
  positions: Positions;
  /** Not null: the store lost writes. Up to here everything was published already. */
  recoverTo: Positions | null;
}

export interface ReconcilePorts {
  store: StateStore;
  publisher: Publisher;
  log: EventLog;
}

/** @throws DamagedPositionsError */
export async function reconcile(
  claim: Claim,
  committed: CommittedPositions | null,
  ports: ReconcilePorts,
): Promise<Reconciled> {
  const { positions: stored, partition } = claim;
  const starts = await ports.log.starts(partition);
  if (stored === null) return firstStart(claim, committed, starts, ports);
  checkRange(claim, stored, starts, await ports.log.ends(partition));
  if (claim.mailPositions[RECOVERY_MARK] !== undefined)
    return continueRecovery(claim, stored, committed, ports);
  if (committed !== null && samePositions(stored, committed)) return goOn(stored);
  if (committed === null || covers(claim.outbox, committed, stored)) {
    await ports.publisher.publish(partition, claim.outbox ?? nothing(claim, stored));
    return goOn(stored);
  }
  if (isBehind(stored, committed) && !isBehind(committed, stored))
    return { positions: stored, recoverTo: offsetsOf(committed) };
  throw damaged(
    claim,
    `the state is at ${showPositions(stored)}, the log has committed ${showPositions(committed)}.`,
  );
}

const goOn = (positions: Positions): Reconciled => ({ positions, recoverTo: null });

/** The outbox is the step from K to R. */
const covers = (outbox: Outbox | null, committed: Positions, stored: Positions): boolean =>
  outbox !== null && samePositions(outbox.from, committed) && samePositions(outbox.to, stored);

/** An outbox that only says where the lane is. */
export const nothing = (claim: Pick<Claim, 'batchNumber' | 'epoch'>, at: Positions): Outbox => ({
  batchNumber: claim.batchNumber,
  epoch: claim.epoch,
  from: at,
  to: at,
  mail: [],
  messages: [],
});

async function firstStart(
  claim: Claim,
  committed: Positions | null,
  starts: Positions,
  { store, publisher }: ReconcilePorts,
): Promise<Reconciled> {
  if (committed !== null && !samePositions(committed, starts))
    throw damaged(claim, `the log has committed ${showPositions(committed)} but the state is empty.`);
  await store.initialise(claim, starts);
  await publisher.publish(claim.partition, nothing(claim, starts));
  return goOn(starts);
}

/** Whether the last page of the recovery was published can't be known: it is said again, under the same ids. */
async function continueRecovery(
  claim: Claim,
  stored: Positions,
  committed: Positions | null,
  { publisher }: ReconcilePorts,
): Promise<Reconciled> {
  const { outbox, partition } = claim;
  if (committed !== null && isBehind(committed, stored))
    throw damaged(
      claim,
      `the state is at ${showPositions(stored)} in the middle of a recovery, the log has committed ${showPositions(committed)}.`,
    );
  const target = committed === null ? stored : offsetsOf(committed);
  if (outbox !== null && samePositions(outbox.to, target)) await publisher.publish(partition, outbox);
  return { positions: stored, recoverTo: target };
}

function checkRange(claim: Claim, stored: Positions, starts: Positions, ends: Positions): void {
  for (const topic of INPUT_TOPICS) {
    if (stored[topic] < starts[topic])
      throw damaged(
        claim,
        `${topic} begins at ${starts[topic]}, the state is at ${stored[topic]}: retention has overtaken it.`,
      );
    if (stored[topic] > ends[topic])
      throw damaged(
        claim,
        `${topic} ends at ${ends[topic]}, the state is at ${stored[topic]}: the log lost its end.`,
      );
  }
}

export function damaged({ partition }: Pick<Claim, 'partition'>, why: string): DamagedPositionsError {
  return new DamagedPositionsError(
    `Partition ${partition}: ${why} Nothing was changed. Restore the state from a backup, or rebuild it from the archive (docs/runbook.md, "Positions do not agree").`,
  );
}
