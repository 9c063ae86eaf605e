/** I5, I9, I10, I14: the log was read to its end, once, within the limits. */
import type { Positions } from '../../../schemas';
import { INPUT_TOPICS } from '../../../schemas';
import type { Shared } from '../cluster';
import type { CommittedBatch } from '../witness';

export function checkLog(world: Shared): void {
  const { plan, broker, witness } = world;
  for (let partition = 0; partition < plan.partitions; partition++) {
    const history = witness.commits[partition]!;
    const last = history[history.length - 1];
    for (const topic of INPUT_TOPICS) {
      const end = broker.endOf(topic, partition);
      const read = last?.to[topic] ?? 0;
      if (read !== end)
        witness.violate('I9', `${topic} of partition ${partition} was read to ${read} of ${end}`);
    }
    history.forEach((batch, at) => checkBatch(batch, history[at - 1], world));
  }
  checkDue(world);
}

function checkBatch(batch: CommittedBatch, before: CommittedBatch | undefined, world: Shared): void {
  const { plan, witness, mutations } = world;
  const { partition, counts, from, to } = batch;
  const expected: Positions | null = before?.to ?? null;
  if (expected !== null && INPUT_TOPICS.some(topic => expected[topic] !== from[topic]))
    witness.violate('I5', `a batch of partition ${partition} does not follow the one before it`);
  if (counts !== null) {
    const records = recordsBetween(from, to, partition, world);
    const outcomes = Object.values(counts.outcomes).reduce((sum, count) => sum + count, 0);
    if (records !== counts.records || outcomes !== records)
      witness.violate(
        'I5',
        `${records} inputs of partition ${partition}, ${counts.records} read, ${outcomes} outcomes`,
      );
    if (counts.records > plan.maxRecords)
      witness.violate('I10', `a batch of ${counts.records} records, the limit is ${plan.maxRecords}`);
  }
  // The pages of a recovery are as large as a batch's customers may be.
  if (batch.customers > plan.maxCustomers && mutations.lane === undefined)
    witness.violate('I10', `a batch of ${batch.customers} customers, the limit is ${plan.maxCustomers}`);
}

function recordsBetween(from: Positions, to: Positions, partition: number, { broker }: Shared): number {
  let count = 0;
  for (const topic of INPUT_TOPICS)
    if (to[topic] > from[topic])
      count += broker
        .read(topic, partition, from[topic], to[topic] - from[topic])
        .records.filter(({ offset }) => offset < to[topic]).length;
  return count;
}

/** The first half of I14: at rest nothing has been due for longer than a few looks of the scheduler take. */
function checkDue({ plan, store, turns, witness }: Shared): void {
  const patience = 6 * plan.idleMs;
  for (let partition = 0; partition < plan.partitions; partition++) {
    const snapshot = store.snapshot().partitions.get(partition);
    for (const [id, wake] of snapshot?.wakes ?? [])
      if (wake < turns.now - patience)
        witness.violate('I14', `${id} has been due since ${wake}, it is ${turns.now}`);
  }
}
