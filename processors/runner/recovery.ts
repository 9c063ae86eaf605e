/** The end of a recovery: customers whose score was withheld are found in the store and asked for their present one. */
import type { CustomerId } from '../../schemas';
import { isHeld } from '../core';
import type { StateStore } from '../ports';
import { take } from './advance';
import { Touched } from './draft';
import type { Draft, VectorRows } from './draft';
import { open } from './hot-customers';

export interface RepublishTools {
  store: StateStore;
  partition: number;
  vectors: VectorRows;
  pageSize: number;
  /** Not only those whose score was withheld. */
  ofEveryone: boolean;
}

/** Adds a page's withheld customers to the draft; returns where the next page begins, undefined at the end. */
export async function republishPage(
  draft: Draft,
  cursor: CustomerId | undefined,
  { store, partition, vectors, pageSize, ofEveryone }: RepublishTools,
): Promise<CustomerId | undefined> {
  const page = await store.scan(partition, pageSize, cursor);
  for (const { customerId, value } of page) {
    const customer = open(customerId, value);
    // A customer who is held has a published score, unless a recovery took it away.
    if (!isHeld(customer) || (customer.ledger.published !== null && !ofEveryone)) continue;
    const touched = new Touched(customerId);
    touched.customer = customer;
    touched.changed = true;
    draft.customers.set(customerId, touched);
    take(touched, 'recovery', null, { vectors, onVector: () => undefined });
  }
  return page.length < pageSize ? undefined : page[page.length - 1]!.customerId;
}
