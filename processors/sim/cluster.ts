/**
 * The simulated cluster: processes that run real lanes over a shared broker and a shared store, through ports that
 * fail as the plan says. A process that dies leaves its promises behind; its successor is a new one.
 */
import type { EpochMs, Positions } from '../../schemas';
import { SECOND_MS } from '../../schemas';
import { MemoryEventLog, MemoryPublisher } from '../../streams/memory';
import type { MemoryBroker } from '../../streams/memory';
import { DEFAULT_RULES, DEFAULT_SETTINGS } from '../core';
import { FencedError, OffsetOutOfRangeError } from '../ports';
import type { Claim, EventLog, Outbox, Publisher, StateBatch, StateStore, WireCodec } from '../ports';
import { Lane, Scheduler, runLane } from '../runner';
import type { LaneStep } from '../runner';
import type { MemoryStateStore } from '../state/memory';
import type { Mutations } from './mutations';
import type { Plan, PortFaults } from './plan';
import type { Random } from './random';
import type { SimulatedScorer } from './scorer';
import type { Actor, Turns } from './turns';
import type { Witness } from './witness';

export interface Shared {
  plan: Plan;
  turns: Turns;
  random: Random;
  broker: MemoryBroker;
  store: MemoryStateStore;
  scorer: SimulatedScorer;
  codec: WireCodec;
  witness: Witness;
  mutations: Mutations;
}

/** A fault of the simulated network or server: the caller does not know what became of its call. */
class SimulatedFault extends Error {
  override readonly name = 'SimulatedFault';
}

interface RunningLane {
  lane: Lane;
  stop: AbortController;
  ended: boolean;
  /** Came back while it was being stopped. */
  again: boolean;
}

/** One incarnation of a process. */
export class SimulatedProcess {
  readonly actor: Actor;
  readonly lanes = new Map<number, RunningLane>();
  private readonly publisher: MemoryPublisher;

  constructor(
    name: string,
    private readonly shared: Shared,
    /** A lane threw what a new claim can't mend: the process exits, as a real one does. */
    private readonly onFatal: (process: SimulatedProcess, error: Error) => void,
    private readonly onStep: (process: SimulatedProcess, step: LaneStep) => Promise<void>,
  ) {
    this.actor = { name, state: 'running' };
    this.publisher = new MemoryPublisher(shared.broker);
  }

  get isAlive(): boolean {
    return this.actor.state !== 'dead';
  }

  run(partition: number): void {
    const held = this.lanes.get(partition);
    if (held !== undefined && !held.ended) held.again = held.stop.signal.aborted;
    else if (this.isAlive) this.begin(partition);
  }

  private begin(partition: number): void {
    const { shared, actor } = this;
    const { plan, codec, scorer, turns, random, mutations } = shared;
    const clock = turns.clockOf(actor);
    const store = new FaultyStore(this);
    const settings = {
      maxRecords: plan.maxRecords,
      maxCustomers: plan.maxCustomers,
      hotCustomers: 4,
      idleMs: plan.idleMs,
      ...mutations.lane,
    };
    // A log of its own for each lane: ticks are checked against what that lane has read.
    const log: FaultyLog = new FaultyLog(this, () => lane.positions);
    const lane = new Lane({
      partition,
      ports: {
        log: mutations.log?.(log, shared) ?? log,
        store: mutations.store?.(store, shared) ?? store,
        publisher: mutations.publisher?.(new FaultyPublisher(this), shared) ?? new FaultyPublisher(this),
        scorer: mutations.scorer?.(scorer, shared) ?? scorer,
        codec: mutations.codec?.(codec, shared) ?? codec,
        clock,
      },
      core: DEFAULT_SETTINGS,
      rules: DEFAULT_RULES,
      settings,
      onStep: step => this.onStep(this, step),
      onBatch: (batch, counts) => shared.witness.noteCounts(batch, counts),
    });
    const scheduler = new Scheduler(
      mutations.gate?.(lane) ?? lane,
      { log, store, codec, clock },
      { everyMs: plan.idleMs / 2 },
    );
    const running: RunningLane = { lane, stop: new AbortController(), ended: false, again: false };
    this.lanes.set(partition, running);
    const jitter = (): number => random.next();
    runLane({
      lane,
      scheduler,
      clock,
      signal: running.stop.signal,
      settings: { idleMs: plan.idleMs },
      jitter,
    })
      .catch((error: Error) => this.onFatal(this, error))
      .finally(() => {
        running.ended = true;
        if (running.again) this.run(partition);
      });
  }

  /** The process learns that it has lost a partition, or is asked to end. */
  stop(partition: number): void {
    const held = this.lanes.get(partition);
    if (held === undefined) return;
    held.again = false;
    held.stop.abort();
  }

  kill(): void {
    this.shared.turns.kill(this.actor);
    this.lanes.clear();
  }

  /** Between calm and the end nothing fails. */
  private fails(kind: keyof PortFaults): boolean {
    const { plan, turns, random } = this.shared;
    return turns.now < plan.calmAt && plan.ports[kind] > 0 && random.chance(plan.ports[kind]);
  }

  /** Somebody else may go first, and the call may fail before it takes effect. */
  async before(kind: keyof PortFaults | null): Promise<void> {
    if (this.shared.random.chance(0.5)) await this.shared.turns.turn(this.actor);
    if (kind !== null && this.fails(kind)) throw new SimulatedFault(`${kind} of ${this.actor.name}`);
  }

  /** The call took effect, the answer is lost. */
  after(kind: keyof PortFaults): void {
    if (this.fails(kind)) throw new SimulatedFault(`${kind} of ${this.actor.name}`);
  }

  get world(): Shared {
    return this.shared;
  }

  get publishes(): MemoryPublisher {
    return this.publisher;
  }
}

class FaultyLog implements EventLog {
  readonly partitions: number;
  private readonly inner: MemoryEventLog;

  constructor(
    private readonly process: SimulatedProcess,
    private readonly readTo: () => Positions,
  ) {
    this.inner = new MemoryEventLog(process.world.broker);
    this.partitions = this.inner.partitions;
  }

  partitionOf(key: string): number {
    return this.inner.partitionOf(key);
  }

  starts(partition: number): Promise<Positions> {
    return this.inner.starts(partition);
  }

  ends(partition: number): Promise<Positions> {
    return this.inner.ends(partition);
  }

  async read(...[partition, from, maxRecords, topics]: Parameters<EventLog['read']>) {
    await this.process.before('read');
    const { plan, turns } = this.process.world;
    const batches = await this.inner.read(partition, from, maxRecords);
    const wanted = topics === undefined ? batches : batches.filter(({ topic }) => topics.includes(topic));
    const { lag } = plan;
    if (lag === null || turns.now < lag.from || turns.now >= lag.to) return wanted;
    // The topic answers, but what is new in it does not come yet.
    return wanted.map(batch =>
      batch.topic !== lag.topic
        ? batch
        : {
            topic: batch.topic,
            records: [],
            nextOffset: from[batch.topic],
            atEnd: batch.records.length === 0,
          },
    );
  }

  /** Only schedulers append through this log. */
  async append(...[topic, partition, records]: Parameters<EventLog['append']>): Promise<number> {
    await this.process.before(null);
    const { turns, broker } = this.process.world;
    const stamped = records.map(record => ({ ...record, recordAt: turns.now }));
    this.checkGate(partition, stamped);
    const first = broker.append(topic, partition, stamped);
    this.process.after('appendReplyLost');
    return first;
  }

  /** I14, second half: no tick before the data that it would overtake. */
  private checkGate(partition: number, ticks: readonly { value: Uint8Array }[]): void {
    const { broker, codec, witness } = this.process.world;
    const position = this.readTo();
    for (const { value } of ticks) {
      const { dueAt } = codec.decode('customer-commands', value);
      for (const topic of ['web-events', 'orders', 'customers'] as const) {
        const { records } = broker.read(topic, partition, position[topic], 1);
        if (records.length > 0 && records[0]!.recordAt < dueAt!)
          witness.violate('I14', `a tick due at ${dueAt} was appended before ${topic} was read up to it`);
      }
    }
  }

  async committed(partition: number) {
    await this.process.before(null);
    return this.inner.committed(partition);
  }
}

class FaultyStore implements StateStore {
  constructor(private readonly process: SimulatedProcess) {}

  private get inner(): MemoryStateStore {
    return this.process.world.store;
  }

  async claim(partition: number): Promise<Claim> {
    await this.process.before(null);
    return this.inner.claim(partition);
  }

  async initialise(claim: Claim, positions: Positions): Promise<void> {
    await this.process.before(null);
    return this.inner.initialise(claim, positions);
  }

  async load(...args: Parameters<StateStore['load']>) {
    await this.process.before('load');
    return this.inner.load(...args);
  }

  async positionsOf(claim: Claim) {
    await this.process.before(null);
    return this.inner.positionsOf(claim);
  }

  async commit(claim: Claim, batch: StateBatch) {
    await this.process.before('commitRefused');
    const result = await this.inner.commit(claim, batch);
    this.process.world.witness.noteCommit(claim, batch, result);
    this.process.after('commitReplyLost');
    return result;
  }

  due(...args: Parameters<StateStore['due']>) {
    return this.inner.due(...args);
  }

  nextDue(partition: number): Promise<EpochMs> {
    return this.inner.nextDue(partition);
  }

  async scan(...args: Parameters<StateStore['scan']>) {
    await this.process.before(null);
    return this.inner.scan(...args);
  }
}

class FaultyPublisher implements Publisher {
  constructor(private readonly process: SimulatedProcess) {}

  async fence(partition: number): Promise<void> {
    await this.process.before(null);
    return this.process.publishes.fence(partition);
  }

  async publish(partition: number, outbox: Outbox): Promise<void> {
    await this.process.before('publishRefused');
    // Mail goes first, by itself: a crash in between leaves it alone in the log.
    if (outbox.mail.length > 0) {
      this.process.publishes.sendMail(outbox);
      await this.process.before(null);
    }
    await this.process.publishes.publish(partition, { ...outbox, mail: [] });
    this.process.after('publishReplyLost');
  }
}

/** What a supervisor restarts a process after. */
export const RESTART_MS = 5 * SECOND_MS;

export const isExpectedEnd = (error: unknown): boolean =>
  error instanceof SimulatedFault || error instanceof FencedError || error instanceof OffsetOutOfRangeError;
