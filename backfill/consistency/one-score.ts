/** One published score: found by its id, and its customer as the lane knew it. */
import type { CustomerId, EpochMs, Positions } from '../../schemas';
import { toVector } from '../../processors/core';
import type { CustomerFacts } from '../../processors/core';
import { FoldedCustomers } from './folded-customers';
import { PartitionWalk } from './partition-walk';
import type { WalkOptions } from './partition-walk';

export interface ScoredMoment {
  customerId: CustomerId;
  asOf: EpochMs;
  position: { partition: number } & Positions;
}

/** Facts and vector at that moment. @throws ArchiveDamagedError */
export async function recomputedVector(
  { customerId, asOf, position }: ScoredMoment,
  options: Omit<WalkOptions, 'partition'>,
): Promise<{ facts: CustomerFacts; vector: Float32Array }> {
  const customers = new FoldedCustomers([customerId]);
  const walk = await PartitionWalk.open({ ...options, partition: position.partition }, customers);
  await walk.foldTo(position);
  const { facts } = customers.of(customerId);
  return { facts, vector: toVector(facts, asOf) };
}
