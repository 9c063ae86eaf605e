/**
 * Step 3 of the lane: the store's positions R against the log's committed positions K, topic by topic.
 * Positions are vectors, and every transaction sends all of them.
 */
import type { Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import type { Claim, CommittedPositions, EventLog, Outbox, Publisher, StateStore } from '../ports';
import { furthest, isBehind, offsetsOf, samePositions, showPositions } from './positions';

/** R and K can't both be true: the operator must say which. Nothing is reset in silence. */
export class DamagedPositionsError extends Error {
  override readonly name = 'DamagedPositionsError';
}

/** Kept among the mail positions while a recovery is under way, so that a crash in it is continued. */
export const RECOVERY_MARK = 'recovery/0';

export interface Recovery {
  /** Up to here everything was published already. */
  to: Positions;
  /**
   * A later owner than the store remembers has published, possibly at the end of a recovery of its own, which moves
   * no position: then nobody's score in the topic is known to be the ledger's.
   */
  ofEveryone: boolean;
}

export interface Reconciled {
  /** From here the lane goes on. */
  positions: Positions;
  /** Not null: the store lost writes. */
  recovery: Recovery | null;
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
  checkRange(claim, stored, committed, starts, await ports.log.ends(partition));
  if (claim.mailPositions[RECOVERY_MARK] !== undefined)
    return continueRecovery(claim, stored, committed, ports);
  const ofEveryone = (committed?.epoch ?? 0) > (claim.outbox?.epoch ?? Infinity);
  if (committed !== null && samePositions(stored, committed) && !ofEveryone) return goOn(stored);
  if (committed === null || covers(claim.outbox, committed, stored)) {
    await ports.publisher.publish(partition, claim.outbox ?? nothing(claim, stored));
    return goOn(stored);
  }
  if (!isBehind(committed, stored))
    return { positions: stored, recovery: { to: offsetsOf(committed), ofEveryone } };
  if (isForked(claim.outbox, committed, stored))
    return joinFork(claim, claim.outbox, committed, stored, ports);
  throw damaged(
    claim,
    `the state is at ${showPositions(stored)}, the log has committed ${showPositions(committed)}.`,
  );
}

const goOn = (positions: Positions): Reconciled => ({ positions, recovery: null });

/** The outbox is the step from K to R. */
const covers = (outbox: Outbox | null, committed: Positions, stored: Positions): boolean =>
  outbox !== null && samePositions(outbox.from, committed) && samePositions(outbox.to, stored);

/**
 * The store forgot a claim together with what that owner wrote, and whoever held the token before, a zombie until then,
 * wrote a batch of its own beside what was published. The facts are whole up to R: nothing of them was written twice.
 */
const isForked = (
  outbox: Outbox | null,
  committed: CommittedPositions,
  stored: Positions,
): outbox is Outbox =>
  outbox !== null &&
  samePositions(outbox.to, stored) &&
  !isBehind(committed, outbox.from) &&
  (committed.epoch ?? 0) > outbox.epoch;

/** What a recovery says anew of everybody; under an older epoch it would come behind a later one. */
const SAID_ANEW: ReadonlySet<string> = new Set(['engagement-scores', 'engagement-alerts']);

/** Says the rest of the outbox, a part of it for the second time, and leaves the scores to a recovery. */
async function joinFork(
  claim: Claim,
  outbox: Outbox,
  committed: CommittedPositions,
  stored: Positions,
  { publisher }: ReconcilePorts,
): Promise<Reconciled> {
  const { partition, epoch } = claim;
  const to = furthest(stored, committed);
  const messages = outbox.messages.filter(({ topic }) => !SAID_ANEW.has(topic));
  await publisher.publish(partition, { ...outbox, epoch, from: offsetsOf(committed), to, messages });
  return { positions: stored, recovery: { to, ofEveryone: true } };
}

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
  const ofEveryone = claim.mailPositions[RECOVERY_MARK]?.index === 1;
  return { positions: stored, recovery: { to: target, ofEveryone } };
}

function checkRange(
  claim: Claim,
  stored: Positions,
  committed: Positions | null,
  starts: Positions,
  ends: Positions,
): void {
  for (const topic of INPUT_TOPICS) {
    if (stored[topic] < starts[topic])
      throw damaged(
        claim,
        `${topic} begins at ${starts[topic]}, the state is at ${stored[topic]}: retention has overtaken it.`,
      );
    const furthest = Math.max(stored[topic], committed?.[topic] ?? 0);
    if (furthest > ends[topic])
      throw damaged(
        claim,
        `${topic} ends at ${ends[topic]}, but ${furthest} was reached before: the log lost its end.`,
      );
  }
}

function damaged({ partition }: Pick<Claim, 'partition'>, why: string): DamagedPositionsError {
  return new DamagedPositionsError(
    `Partition ${partition}: ${why} Nothing was changed. Restore the state from a backup, or rebuild it from the archive (docs/runbook.md, "Positions do not agree").`,
  );
}
