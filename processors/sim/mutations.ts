/** Rules that a simulation may break on purpose, to see that an invariant notices. */
import type { MemoryBroker, MemoryPublisher } from '../../streams/memory';
import type { EventLog, Publisher, Scorer, StateStore, WireCodec } from '../ports';
import type { Lane, LaneSettings } from '../runner';
import type { Shared } from './cluster';
import type { Plan } from './plan';

export interface Mutations {
  log?: (log: EventLog, world: Shared) => EventLog;
  store?: (store: StateStore, world: Shared) => StateStore;
  publisher?: (publisher: Publisher, world: Shared) => Publisher;
  /** The rules by which the lanes of a group share a producer. */
  producers?: (broker: MemoryBroker) => MemoryPublisher;
  scorer?: (scorer: Scorer, world: Shared) => Scorer;
  codec?: (codec: WireCodec, world: Shared) => WireCodec;
  /** What the scheduler believes of its lane. */
  gate?: (lane: Lane) => Pick<Lane, 'partition' | 'positions' | 'readThrough'>;
  lane?: Partial<LaneSettings>;
  /** Faults where the rule matters, so that few seeds are needed. */
  plan?: (plan: Plan) => Partial<Plan>;
  /** Models are used without their verification. */
  trustsEverything?: boolean;
}
