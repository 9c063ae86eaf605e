/** Step 8 of the lane. */
import { FencedError } from '../ports';
import type { Claim, EventLog, Outbox, Publisher, StateStore } from '../ports';
import { LaneLostError } from './options';
import type { Patience } from './patience';
import { samePositions } from './positions';

export interface PublicationTools {
  ports: { store: StateStore; publisher: Publisher; log: EventLog };
  patience: Patience;
  attempts: number;
  /** Before each attempt. */
  onAttempt: () => void | Promise<void>;
}

/** When the outcome of an attempt is unknown, K tells. @throws LaneLostError, FencedError, what the last attempt threw */
export async function publishOutbox(outbox: Outbox, claim: Claim, tools: PublicationTools): Promise<void> {
  const { ports, patience, attempts, onAttempt } = tools;
  const { partition } = claim;
  for (let attempt = 1; ; attempt++) {
    try {
      await onAttempt();
      return await ports.publisher.publish(partition, outbox);
    } catch (error) {
      if (error instanceof FencedError || attempt >= attempts) throw error;
      await patience.wait(attempt);
      // A new publisher fences the one whose answer was lost. Only then: still mine? Whoever claims later will see what
      // this one publishes.
      await patience.ask(() => ports.publisher.fence(partition));
      await patience.ask(() => ports.store.load(claim, []));
      const committed = await patience.ask(() => ports.log.committed(partition));
      if (committed === null || samePositions(committed, outbox.from)) continue;
      if (samePositions(committed, outbox.to)) return;
      throw new LaneLostError(`Partition ${partition} was published by another owner.`, { cause: error });
    }
  }
}
