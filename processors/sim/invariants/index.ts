/** The invariants of docs/delivery.md, checked when a simulation has come to rest. */
import type { Shared } from '../cluster';
import { replayWithoutFaults } from '../reference';
import { checkLog } from './log';
import { checkOutcomes } from './outcomes';
import { checkPublished } from './published';
import type { RestedWorld } from './rested';
import { checkState } from './state';

export { messagesOf } from './published';
export type { RestedWorld } from './rested';

export const INVARIANTS = {
  I1: 'facts and vectors equal a fault-free replay',
  I2: 'no id has two contents',
  I3: 'the ledger holds the scores of the final facts, and what was published last is near them',
  I4: 'a consumer that keeps the highest (epoch, sequence) has what was published last',
  I5: 'every input has exactly one outcome',
  I6: 'a position never goes back but by a rollback that was seen',
  I7: 'one owner commits per epoch',
  I8: 'no id is published twice unless writes were lost',
  I9: 'lag returns to zero',
  I10: 'batches stay within their limits and nothing fails unseen',
  I11: 'no unverified model scores',
  I12: 'sessions keep the gap law',
  I13: 'nothing from before an erasure is left or said later',
  I14: 'every due entry is handled in time, and none before the data is in',
  I15: 'alert states in the compacted topic equal the ledger',
} as const;

export function checkInvariants(world: Shared): void {
  checkLog(world);
  checkAtRest(world);
}

/** What was read back from real servers once everything is at rest: all but I6, I7, I9, I10 and I14. */
export function checkAtRest(world: RestedWorld): void {
  const reference = replayWithoutFaults(world.broker, world.codec);
  checkPublished(world);
  checkOutcomes(world, reference);
  checkState(world, reference);
}
