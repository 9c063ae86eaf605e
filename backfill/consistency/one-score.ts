/** One published score: found by its id, and its customer as the lane knew it. */
import type { CustomerId, Positions } from '../../schemas';
import type { Customer } from '../../processors/core';
import { FoldedCustomers } from './folded-customers';
import { PartitionWalk } from './partition-walk';
import type { WalkOptions } from './partition-walk';

export interface ScoredMoment {
  customerId: CustomerId;
  position: { partition: number } & Positions;
}

/** The customer with the facts of that moment. @throws ArchiveDamagedError */
export async function customerAt(
  { customerId, position }: ScoredMoment,
  options: Omit<WalkOptions, 'partition'>,
): Promise<Customer> {
  const customers = new FoldedCustomers([customerId]);
  const walk = await PartitionWalk.open({ ...options, partition: position.partition }, customers);
  await walk.foldTo(position);
  return customers.of(customerId);
}
