/**
 * StateStore in memory: what the simulation and the tests run on. It loses nothing by itself; lost writes are made
 * by `snapshot` and `restore`, every other fault by wrapping the port.
 */
import type { CustomerId, EpochMs, InputTopic, Positions } from '../../schemas';
import { INPUT_TOPICS, NEVER } from '../../schemas';
import { FencedError } from '../ports';
import type {
  Claim,
  CommitResult,
  DueEntry,
  MailPositions,
  Outbox,
  StateBatch,
  StateStore,
  StoredCustomer,
} from '../ports';
import { compareIds, firstAfter } from './byte-order';

interface PartitionState {
  token: string | null;
  epoch: number;
  batchNumber: number;
  positions: Positions | null;
  mailPositions: MailPositions;
  clocks: Record<InputTopic, EpochMs>;
  outbox: Outbox | null;
  states: Map<CustomerId, Uint8Array>;
  wakes: Map<CustomerId, EpochMs>;
  /** The wakes in order; null when a commit has changed them since. */
  due: readonly DueEntry[] | null;
}

/** Everything that the store held at one instant. Opaque. */
export interface MemorySnapshot {
  readonly partitions: ReadonlyMap<number, Readonly<PartitionState>>;
}

const noClocks = (): Record<InputTopic, EpochMs> =>
  Object.fromEntries(INPUT_TOPICS.map(topic => [topic, 0])) as Record<InputTopic, EpochMs>;

const same = (a: Positions | null, b: Positions): boolean =>
  a !== null && INPUT_TOPICS.every(topic => a[topic] === b[topic]);

const compareDue = (a: DueEntry, b: DueEntry): number =>
  a.dueAt - b.dueAt || compareIds(a.customerId, b.customerId);

const copyOf = (held: Readonly<PartitionState>): PartitionState => ({
  ...held,
  states: new Map(held.states),
  wakes: new Map(held.wakes),
});

export class MemoryStateStore implements StateStore {
  private partitions = new Map<number, PartitionState>();
  /** Not part of a snapshot: a token that was given once is never given again, also after lost writes. */
  private claims = 0;

  private held(partition: number): PartitionState {
    const found = this.partitions.get(partition);
    if (found !== undefined) return found;
    const made: PartitionState = {
      token: null,
      epoch: 0,
      batchNumber: 0,
      positions: null,
      mailPositions: {},
      clocks: noClocks(),
      outbox: null,
      states: new Map(),
      wakes: new Map(),
      due: [],
    };
    this.partitions.set(partition, made);
    return made;
  }

  /** What `restore` brings back: taken before writes, it makes them lost. */
  snapshot(): MemorySnapshot {
    return { partitions: new Map(Array.from(this.partitions, ([number, held]) => [number, copyOf(held)])) };
  }

  /** All writes since the snapshot are gone, tokens included, as after a failover to a replica that lagged. */
  restore({ partitions }: MemorySnapshot): void {
    this.partitions = new Map(Array.from(partitions, ([number, held]) => [number, copyOf(held)]));
  }

  async claim(partition: number): Promise<Claim> {
    const held = this.held(partition);
    held.token = `claim-${++this.claims}`;
    held.epoch++;
    const { token, epoch, positions, batchNumber, mailPositions, clocks, outbox } = held;
    return {
      partition,
      token,
      epoch,
      positions,
      batchNumber,
      mailPositions: { ...mailPositions },
      clocks: { ...clocks },
      outbox,
    };
  }

  private owned({ partition, token }: Claim): PartitionState {
    const held = this.held(partition);
    if (held.token !== token) throw new FencedError(`Another owner has claimed partition ${partition}.`);
    return held;
  }

  async initialise(claim: Claim, positions: Positions): Promise<void> {
    const held = this.owned(claim);
    if (held.positions !== null && !same(held.positions, positions))
      throw new Error(`Partition ${claim.partition} has positions already: initialise is for a first start.`);
    held.positions = { ...positions };
  }

  async load(claim: Claim, ids: readonly CustomerId[]): Promise<(Uint8Array | null)[]> {
    const { states } = this.owned(claim);
    return ids.map(id => states.get(id) ?? null);
  }

  async positionsOf(claim: Claim): Promise<Positions | null> {
    return this.owned(claim).positions;
  }

  async commit(claim: Claim, batch: StateBatch): Promise<CommitResult> {
    const held = this.held(claim.partition);
    if (held.token !== claim.token) return 'fenced';
    if (held.batchNumber === batch.batchNumber && same(held.positions, batch.to)) return 'alreadyApplied';
    if (held.batchNumber !== batch.batchNumber - 1 || !same(held.positions, batch.from)) return 'gap';
    for (const [id, value] of batch.states) {
      if (value !== null) held.states.set(id, value.slice());
      else if (held.states.delete(id)) held.wakes.delete(id);
    }
    for (const [id, wake] of batch.wakes) {
      if (wake === NEVER) held.wakes.delete(id);
      else if (held.states.has(id)) held.wakes.set(id, wake);
    }
    held.due = null;
    held.batchNumber = batch.batchNumber;
    held.positions = { ...batch.to };
    held.mailPositions = { ...batch.mailPositions };
    held.clocks = { ...batch.clocks };
    held.outbox = batch.outbox;
    return 'applied';
  }

  private dueOf(partition: number): readonly DueEntry[] {
    const held = this.held(partition);
    held.due ??= Array.from(held.wakes, ([customerId, dueAt]) => ({ customerId, dueAt })).sort(compareDue);
    return held.due;
  }

  async due(partition: number, until: EpochMs, limit: number, cursor?: DueEntry): Promise<DueEntry[]> {
    const entries = this.dueOf(partition);
    const from = cursor === undefined ? 0 : firstAfter(entries, entry => compareDue(entry, cursor) > 0);
    const to = firstAfter(entries, entry => entry.dueAt > until);
    return entries.slice(from, Math.min(to, from + limit));
  }

  async nextDue(partition: number): Promise<EpochMs> {
    return this.dueOf(partition)[0]?.dueAt ?? NEVER;
  }

  async scan(partition: number, limit: number, cursor?: CustomerId): Promise<StoredCustomer[]> {
    const { states } = this.held(partition);
    const ids = [...states.keys()].sort(compareIds);
    const from = cursor === undefined ? 0 : firstAfter(ids, id => compareIds(id, cursor) > 0);
    return ids.slice(from, from + limit).map(customerId => ({ customerId, value: states.get(customerId)! }));
  }

  async walk(partition: number, limit: number, mark: string | null) {
    const customers = await this.scan(partition, limit, mark ?? undefined);
    return { customers, next: customers.length < limit ? null : customers.at(-1)!.customerId };
  }
}
