/** Sees every write of the shared store and every publication, and remembers what the invariants ask about. */
import type { Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import type { Claim, CommitResult, StateBatch } from '../ports';
import { RECOVERY_MARK } from '../runner';
import type { LaneMetrics } from '../runner';
import type { MemoryStateStore } from '../state/memory';

export interface CommittedBatch {
  partition: number;
  token: string;
  epoch: number;
  from: Positions;
  to: Positions;
  customers: number;
  outboxBytes: number;
  /** Null when the process died before it could say. */
  counts: LaneMetrics | null;
}

type Snapshot = ReturnType<MemoryStateStore['snapshot']>;

export interface Backup {
  snapshot: Snapshot;
  commits: readonly CommittedBatch[][];
}

export class Witness {
  /** Surviving commits, by partition. */
  commits: CommittedBatch[][];
  readonly violations: string[] = [];
  /** Batches that were applied again after lost writes. */
  recovered = 0;
  private readonly countsOf = new WeakMap<StateBatch, LaneMetrics>();

  constructor(partitions: number) {
    this.commits = Array.from({ length: partitions }, () => []);
  }

  violate(invariant: string, what: string): void {
    const violation = `${invariant}: ${what}`;
    if (!this.violations.includes(violation)) this.violations.push(violation);
  }

  noteCounts(batch: StateBatch, counts: LaneMetrics): void {
    this.countsOf.set(batch, counts);
  }

  noteCommit(claim: Claim, batch: StateBatch, result: CommitResult): void {
    if (result !== 'applied') return;
    const { partition, token, epoch } = claim;
    const history = this.commits[partition]!;
    const last = history[history.length - 1];
    for (const topic of INPUT_TOPICS)
      if (batch.to[topic] < batch.from[topic] || (last !== undefined && batch.from[topic] < last.to[topic]))
        this.violate('I6', `${topic} of partition ${partition} went back to ${batch.to[topic]}`);
    const other = history.find(commit => commit.epoch === epoch && commit.token !== token);
    if (other !== undefined || (last !== undefined && last.epoch > epoch))
      this.violate('I7', `partition ${partition} had two owners in or after epoch ${epoch}`);
    if (batch.mailPositions[RECOVERY_MARK] !== undefined) this.recovered++;
    history.push({
      partition,
      token,
      epoch,
      from: batch.from,
      to: batch.to,
      customers: batch.states.size,
      outboxBytes: batch.outbox.messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0),
      counts: this.countsOf.get(batch) ?? null,
    });
  }

  backup(store: MemoryStateStore): Backup {
    return { snapshot: store.snapshot(), commits: this.commits.map(history => [...history]) };
  }

  rollBack(store: MemoryStateStore, { snapshot, commits }: Backup): void {
    store.restore(snapshot);
    this.commits = commits.map(history => [...history]);
  }
}
