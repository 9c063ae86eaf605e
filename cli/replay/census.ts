/** One pass over all customers of a state, lane by lane merged in byte order of ids, whatever the number of lanes. */
import {
  decodeCustomer,
  isErasedMarker,
  toVector,
  FEATURE_NAMES,
  type Customer,
} from '../../processors/core';
import { renameSync } from 'node:fs';
import type { CustomerId, EpochMs } from '../../schemas';
import type { OpenState } from '../embedded';
import { LineFile } from './line-file';

const PAGE = 500;

export interface Census {
  customers: number;
  /** Stored bytes of them all; the largest of one. */
  stateBytes: number;
  largestBytes: number;
}

interface Held {
  customerId: CustomerId;
  value: Uint8Array;
  order: Buffer;
}

async function* lane(state: OpenState, partition: number): AsyncGenerator<Held> {
  let cursor: CustomerId | undefined;
  for (;;) {
    const page = await state.embedded.store.scan(partition, PAGE, cursor);
    for (const { customerId, value } of page)
      yield { customerId, value, order: Buffer.from(customerId, 'utf8') };
    if (page.length < PAGE) return;
    cursor = page[page.length - 1].customerId;
  }
}

async function* inOrderOfIds(state: OpenState): AsyncGenerator<Held> {
  const lanes = Array.from({ length: state.partitions }, (_, partition) => lane(state, partition));
  const heads: { held: Held; rest: AsyncGenerator<Held> }[] = [];
  for (const rest of lanes) {
    const first = await rest.next();
    if (!first.done) heads.push({ held: first.value, rest });
  }
  while (heads.length > 0) {
    let least = 0;
    for (let at = 1; at < heads.length; at++)
      if (Buffer.compare(heads[at].held.order, heads[least].held.order) < 0) least = at;
    yield heads[least].held;
    const next = await heads[least].rest.next();
    if (next.done) heads.splice(least, 1);
    else heads[least].held = next.value;
  }
}

/** `visit` gets every customer of whom anything is held, in byte order of the ids. */
export async function takeCensus(
  state: OpenState,
  visit: (customer: Customer) => void = () => undefined,
): Promise<Census> {
  const census: Census = { customers: 0, stateBytes: 0, largestBytes: 0 };
  for await (const { customerId, value } of inOrderOfIds(state)) {
    const customer = decodeCustomer(customerId, value);
    if (isErasedMarker(customer.facts)) continue;
    census.customers++;
    census.stateBytes += value.length;
    census.largestBytes = Math.max(census.largestBytes, value.length);
    visit(customer);
  }
  return census;
}

/**
 * One line a customer: `customerId`, `asOf` and the features by name, undefined ones null. The file appears whole.
 * The values are the float32 that models see, so two runs agree byte for byte or not at all.
 */
export async function writeFeatures(state: OpenState, path: string, asOf: EpochMs): Promise<Census> {
  const next = `${path}.next`;
  const file = new LineFile(next, 0);
  const census = await takeCensus(state, ({ id, facts }) => {
    const vector = toVector(facts, asOf);
    // JSON has no NaN: stringify writes null for it, which is what an undefined feature is to be.
    const features = Object.fromEntries(FEATURE_NAMES.map((name, index) => [name, vector[index]]));
    file.add({ customerId: id, asOf, features });
  });
  file.sync();
  file.close();
  renameSync(next, path);
  return census;
}
