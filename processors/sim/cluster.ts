/**
 * The simulated cluster: processes that run real lanes over a shared broker and a shared store, through ports that
 * fail as the plan says. A process that dies leaves its promises behind; its successor is a new one.
 */
import { SECOND_MS } from '../../schemas';
import { MemoryPublisher, ProducerFencedError } from '../../streams/memory';
import type { MemoryBroker } from '../../streams/memory';
import { DEFAULT_RULES, DEFAULT_SETTINGS } from '../core';
import { FencedError, OffsetOutOfRangeError } from '../ports';
import type { WireCodec } from '../ports';
import { Lane, Scheduler, runLane } from '../runner';
import type { LaneStep } from '../runner';
import type { MemoryStateStore } from '../state/memory';
import { FaultyLog, FaultyPublisher, FaultyStore } from './faulty-ports';
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

const MOST_QUEUEING_MS = 10 * SECOND_MS;
const SLOWEST_MS = 30 * SECOND_MS;

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
    const { broker, mutations } = shared;
    this.publisher = mutations.producers?.(broker) ?? new MemoryPublisher(broker);
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

  /** Somebody else may go first, and the call may be slow, or fail before it takes effect. */
  async before(kind: keyof PortFaults | null): Promise<void> {
    if (this.shared.random.chance(0.5)) await this.shared.turns.turn(this.actor);
    if (kind === null) return;
    if (this.fails('slow')) await this.shared.turns.sleep(this.actor, this.shared.random.int(SLOWEST_MS));
    if (this.fails(kind)) throw new SimulatedFault(`${kind} of ${this.actor.name}`);
  }

  /** Behind the transactions of neighbours. */
  async queues(): Promise<void> {
    const { turns, random } = this.shared;
    if (this.fails('publishWaits')) await turns.sleep(this.actor, random.int(MOST_QUEUEING_MS));
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

/** What a supervisor restarts a process after. */
export const RESTART_MS = 5 * SECOND_MS;

/** Faults of ports, of a neighbour too, may outlast a lane's patience. */
export const isExpectedEnd = (error: unknown): boolean =>
  error instanceof SimulatedFault ||
  error instanceof ProducerFencedError ||
  error instanceof FencedError ||
  error instanceof OffsetOutOfRangeError;
