/** One wrong rule for each invariant: what a defect of that kind would look like to the lane's world. */
import { MemoryPublisher } from '../../streams/memory';
import { MINUTE_MS } from '../../schemas';
import type { OutputTopic, Session } from '../../schemas';
import type {
  EventLog,
  OutgoingMessage,
  Publisher,
  Scorer,
  StateBatch,
  StateStore,
  WireCodec,
} from '../ports';
import type { Shared } from './cluster';
import type { INVARIANTS } from './invariants';
import type { Mutations } from './mutations';
import type { Incident, Plan } from './plan';

export interface PlantedBug {
  rule: string;
  mutations: Mutations;
  /** First seed to try. */
  from?: number;
}

/** The port with some of its methods replaced. */
function changed<T extends object>(port: T, changes: Partial<T>): T {
  return new Proxy(port, {
    get(target, name) {
      const change = (changes as Record<PropertyKey, unknown>)[name];
      if (change !== undefined) return change;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

const publishing = (change: (messages: readonly OutgoingMessage[]) => OutgoingMessage[]) => ({
  publisher: (publisher: Publisher): Publisher =>
    changed(publisher, {
      publish: (partition, outbox) =>
        publisher.publish(partition, { ...outbox, messages: change(outbox.messages) }),
    }),
});

const committing = (change: (batch: StateBatch) => StateBatch) => ({
  store: (store: StateStore): StateStore =>
    changed(store, { commit: (claim, batch) => store.commit(claim, change(batch)) }),
});

/** Worlds that have lost their commit. */
const robbed = new WeakSet<Shared>();

export const PLANTED_BUGS: Record<keyof typeof INVARIANTS, PlantedBug> = {
  I1: {
    rule: 'a batch of three customers forgets the first',
    mutations: committing(batch => {
      const states = new Map(batch.states);
      if (states.size >= 3) states.delete([...states.keys()][0]!);
      return { ...batch, states };
    }),
  },
  I2: {
    rule: 'a repeated message gets another body under its id',
    mutations: publishing(messages =>
      messages.map(message => ({ ...message, id: message.topic === 'sessions' ? 'same' : message.id })),
    ),
  },
  I3: {
    rule: 'the scores of a batch are those of the row before',
    mutations: {
      scorer: (scorer: Scorer) =>
        changed(scorer, {
          scoreBatch: async (vectors, rows) => {
            const { raw, by } = await scorer.scoreBatch!(vectors, rows);
            const shift = (column: Float32Array): Float32Array =>
              column.map((_, at) => column[(at + 1) % rows]!);
            const { engagement, churn, ltv } = raw;
            return { raw: { engagement: shift(engagement), churn: shift(churn), ltv: shift(ltv) }, by };
          },
        }),
    },
  },
  I4: {
    rule: 'messages of a batch are published in the wrong order',
    mutations: publishing(messages => [...messages].reverse()),
  },
  I5: {
    rule: 'the last record of a page is skipped',
    mutations: {
      log: (log: EventLog) =>
        changed(log, {
          read: async (...args) =>
            (await log.read(...args)).map(batch => ({
              ...batch,
              records: batch.records.length > 2 ? batch.records.slice(0, -1) : batch.records,
            })),
        }),
    },
  },
  I6: {
    rule: 'a commit is lost in silence',
    mutations: {
      store: (store: StateStore, world) =>
        changed(store, {
          commit: async (claim, batch) => {
            const before = world.store.snapshot();
            const result = await store.commit(claim, batch);
            if (batch.batchNumber >= 3 && !robbed.has(world)) {
              robbed.add(world);
              world.store.restore(before);
            }
            return result;
          },
        }),
    },
  },
  I7: {
    rule: 'the store does not look at the token',
    mutations: {
      store: (store: StateStore, { store: memory, witness }) =>
        changed(store, {
          load: async (claim, ids) => {
            const { token } = memory.snapshot().partitions.get(claim.partition)!;
            return memory.load({ ...claim, token: token! }, ids);
          },
          commit: async (claim, batch) => {
            const { token, positions, batchNumber } = memory.snapshot().partitions.get(claim.partition)!;
            const follows = { ...batch, from: positions!, batchNumber: batchNumber + 1 };
            const result = await memory.commit({ ...claim, token: token! }, follows);
            witness.noteCommit(claim, batch, result);
            return result;
          },
        }),
    },
  },
  I8: {
    rule: 'a lane publishes its batch again, to be sure',
    mutations: {
      publisher: (publisher: Publisher) =>
        changed(publisher, {
          publish: async (partition, outbox) => {
            await publisher.publish(partition, outbox);
            await publisher.publish(partition, outbox);
          },
        }),
    },
  },
  I9: {
    rule: 'one topic is never read',
    mutations: {
      log: (log: EventLog) =>
        changed(log, {
          read: async (partition, from, maxRecords, topics) =>
            (await log.read(partition, from, maxRecords, topics)).map(batch =>
              batch.topic === 'orders'
                ? { ...batch, records: [], nextOffset: from.orders, atEnd: true }
                : batch,
            ),
        }),
    },
  },
  I10: {
    rule: 'a batch has no limit',
    mutations: { lane: { maxRecords: 1_000_000 } },
  },
  I11: {
    rule: 'a model is used before it was verified',
    mutations: { trustsEverything: true },
  },
  I12: {
    rule: 'a session that unites two does not say so',
    mutations: {
      codec: (codec: WireCodec) =>
        changed(codec, {
          encode: (topic, value) =>
            topic === 'sessions'
              ? codec.encode('sessions', { ...(value as unknown as Session), supersedes: [] })
              : codec.encode(topic, value),
        }),
    },
  },
  I13: {
    rule: 'an erasure leaves the old facts where they are',
    mutations: {
      store: (store: StateStore) => {
        const isErased = (batch: StateBatch, id: string): boolean =>
          batch.outbox.messages.some(
            ({ key, headers }) => key === id && headers['ce_type'] === 'rescore.erased',
          );
        return changed(store, {
          commit: (claim, batch) => {
            const states = new Map([...batch.states].filter(([id]) => !isErased(batch, id)));
            return store.commit(claim, { ...batch, states });
          },
        });
      },
    },
  },
  I14: {
    rule: 'ticks do not wait for data that is still unread',
    mutations: {
      gate: lane => ({
        partition: lane.partition,
        get positions() {
          return lane.positions;
        },
        readThrough: () => Infinity,
      }),
    },
  },
  I15: {
    rule: 'an alert that ends is not told',
    mutations: publishing(messages =>
      messages.filter(({ topic, value }) => topic !== 'engagement-alerts' || (value?.length ?? 0) % 2 === 0),
    ),
  },
};

class HastyPublisher extends MemoryPublisher {
  protected override settles(): boolean {
    return true;
  }
}

class TrustingPublisher extends MemoryPublisher {
  protected override isFencedWith(): boolean {
    return true;
  }
}

/** One group on two processes that often stand still, with servers that often lose an answer; nothing is lost. */
const inTrouble = (plan: Plan): Partial<Plan> => ({
  partitions: 3,
  unitSize: 3,
  processes: 2,
  losesWrites: false,
  incidents: plan.incidents
    .filter(({ kind }) => kind !== 'rollback' && kind !== 'expireCommitted')
    .map(standingStill),
  ports: {
    ...plan.ports,
    read: 0.3,
    load: 0.3,
    publishRefused: 0.1,
    publishReplyLost: 0.2,
    publishWaits: 0.5,
  },
});

const standingStill = (incident: Incident): Incident =>
  incident.kind === 'stepFault'
    ? { ...incident, step: 'publishing', fault: 'stop', forMs: MINUTE_MS }
    : incident;

/** Two that were found by tests on a real broker, before the simulation knew of groups and of early answers. */
export const FURTHER_BUGS: (PlantedBug & { invariant: keyof typeof INVARIANTS })[] = [
  {
    invariant: 'I8',
    rule: 'a fence that finds a producer open does not wait for its last transaction',
    mutations: { producers: broker => new HastyPublisher(broker) },
    // One seed in a hundred has what it takes.
    from: 192,
  },
  {
    invariant: 'I8',
    rule: 'a lane publishes with a producer that only its neighbour has fenced with',
    mutations: { producers: broker => new TrustingPublisher(broker), plan: inTrouble },
  },
  ...(['dead-letters', 'late-events', 'sessions'] as const).map(topic => ({
    invariant: 'I5' as const,
    rule: `the first of a batch's ${topic} is never sent`,
    mutations: publishing(messages => without(messages, topic)),
  })),
  {
    invariant: 'I5',
    rule: 'what belongs to another partition is not passed on',
    mutations: {
      publisher: publisher =>
        changed(publisher, {
          publish: (partition, outbox) => publisher.publish(partition, { ...outbox, mail: [] }),
        }),
    },
  },
];

function without(messages: readonly OutgoingMessage[], lost: OutputTopic): OutgoingMessage[] {
  const at = messages.findIndex(({ topic }) => topic === lost);
  return messages.filter((_, index) => index !== at);
}
