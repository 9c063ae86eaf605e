/** What the invariants look at when nothing moves any more: a simulation, or what was read back from real servers. */
import type { EpochMs } from '../../../schemas';
import type { MemoryBroker } from '../../../streams/memory';
import type { WireCodec } from '../../ports';
import type { MemoryStateStore } from '../../state/memory';
import type { Plan } from '../plan';
import type { SimulatedScorer } from '../scorer';
import type { Witness } from '../witness';

export interface RestedWorld {
  plan: Pick<Plan, 'partitions' | 'losesWrites' | 'idleMs'>;
  broker: MemoryBroker;
  store: Pick<MemoryStateStore, 'snapshot'>;
  codec: WireCodec;
  scorer: {
    readonly verified: ReadonlySet<string>;
    /** Null: models answered that were changed on the way, and the ledger does not say which. */
    answer: SimulatedScorer['answer'] | null;
  };
  turns: { readonly now: EpochMs };
  witness: Pick<Witness, 'violate'>;
}
