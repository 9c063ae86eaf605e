/**
 * Stored values in memory: what the batch in flight changed (the store does not have it yet), and beyond that what was
 * changed last. As bytes: decoded customers outlive two collections of young objects and die soon after, and moving
 * them costs more than reading them again. Valid as long as the lane owns its partition; a commit that finds otherwise
 * empties it.
 */
import type { CustomerId } from '../../schemas';
import { CorruptStateError, decodeCustomer, newCustomer } from '../core';
import type { Customer } from '../core';
import type { Touched } from './draft';

/** A stored value that can't be read: the lane stops, nothing is overwritten. */
export class DamagedStateError extends Error {
  override readonly name = 'DamagedStateError';
}

export class HotCustomers {
  private readonly held = new Map<CustomerId, Uint8Array | null>();

  /** `capacity` must hold a batch: the one in flight. */
  constructor(private readonly capacity: number) {}

  /** Gives the customers that are held to `touched`; returns those that the store must be asked for. */
  fill(touched: Iterable<Touched>): Touched[] {
    const missing: Touched[] = [];
    for (const one of touched) {
      const value = this.held.get(one.id);
      if (value === undefined) missing.push(one);
      else use(one, open(one.id, value));
    }
    return missing;
  }

  /** Takes the stored values of `missing`, in its order. @throws DamagedStateError */
  decode(missing: readonly Touched[], values: readonly (Uint8Array | null)[]): void {
    for (let at = 0; at < missing.length; at++) {
      const one = missing[at]!;
      use(one, open(one.id, values[at] ?? null));
    }
  }

  /** What a batch changed; null: nobody is there any more. */
  keep(states: ReadonlyMap<CustomerId, Uint8Array | null>): void {
    const { held } = this;
    for (const [id, value] of states) {
      // Moves it to the young end.
      held.delete(id);
      held.set(id, value);
    }
    for (const id of held.keys()) {
      if (held.size <= this.capacity) return;
      held.delete(id);
    }
  }

  clear(): void {
    this.held.clear();
  }
}

function use(touched: Touched, customer: Customer): void {
  touched.customer = customer;
  touched.evaluatedAt = customer.ledger.newest?.asOf ?? -Infinity;
}

export function open(id: CustomerId, value: Uint8Array | null): Customer {
  if (value === null) return newCustomer(id);
  try {
    return decodeCustomer(id, value);
  } catch (error) {
    if (!(error instanceof CorruptStateError)) throw error;
    const where = 'Nothing was changed (docs/runbook.md, "A damaged value").';
    throw new DamagedStateError(`${error.message} ${where}`, { cause: error });
  }
}
