/** What ends a lane, by what mends it. */
import { FencedError } from '../../processors/ports';
import { DamagedPositionsError, DamagedStateError, LaneLostError } from '../../processors/runner';
import { DamagedOutboxError } from '../../processors/state/redis';
import { refusalOf } from './kafka-rights';

/** What no new claim mends, and no other processor. */
export const isDamage = (error: unknown): boolean =>
  error instanceof DamagedPositionsError ||
  error instanceof DamagedStateError ||
  error instanceof DamagedOutboxError;

/** Damage, missing rights and our own mistakes stay wrong; servers that are away come back. */
export const isTransient = (error: unknown): boolean =>
  !(
    isDamage(error) ||
    error instanceof TypeError ||
    error instanceof ReferenceError ||
    error instanceof RangeError ||
    refusalOf(error) !== null
  );

/** Somebody else has the partition, and finishes what this lane began. */
export const isOvertaken = (error: Error): boolean =>
  error instanceof FencedError || error instanceof LaneLostError;
