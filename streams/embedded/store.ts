/**
 * StateStore and Publisher in LMDB. One transaction holds a batch's facts, due entries, positions, mail and
 * outgoing messages, so there is nothing left to publish and nothing that a crash could tear apart.
 */
import { randomUUID } from 'node:crypto';
import type { CustomerId, EpochMs, InputTopic, Positions } from '../../schemas';
import { INPUT_TOPICS, NEVER } from '../../schemas';
import { FencedError } from '../../processors/ports';
import type {
  Claim,
  CommitResult,
  DueEntry,
  MailPositions,
  Outbox,
  Publisher,
  StateBatch,
  StateStore,
  StoredCustomer,
} from '../../processors/ports';
import type { Environment } from './environment';
import { dueKey, dueKeyAt, dueKeyId, partitionEnd, stateKey, stateKeyId } from './keys';
import type { EmbeddedLog } from './log';
import type { OutputLog } from './output';

interface LaneDocument {
  token: string;
  epoch: number;
  batchNumber: number;
  positions: Positions | null;
  mailPositions: MailPositions;
  clocks: Record<InputTopic, EpochMs>;
}

/** The stored value is the due instant (8 bytes, -1 for none) and the customer's bytes. */
const DUE_BYTES = 8;
const NO_WAKE = -1;

const noClocks = (): Record<InputTopic, EpochMs> =>
  Object.fromEntries(INPUT_TOPICS.map(topic => [topic, 0])) as Record<InputTopic, EpochMs>;

const samePositions = (a: Positions, b: Positions): boolean =>
  INPUT_TOPICS.every(topic => a[topic] === b[topic]);

export class EmbeddedStore implements StateStore, Publisher {
  constructor(
    private readonly environment: Environment,
    private readonly log: EmbeddedLog,
    private readonly output: OutputLog,
  ) {}

  private lane(partition: number): LaneDocument | null {
    return this.environment.getDocument<LaneDocument>(`lane/${partition}`);
  }

  claim(partition: number): Promise<Claim> {
    const claimed = this.environment.write(() => {
      const held = this.lane(partition);
      const lane: LaneDocument = {
        positions: null,
        batchNumber: 0,
        mailPositions: {},
        clocks: noClocks(),
        ...held,
        token: randomUUID(),
        epoch: (held?.epoch ?? 0) + 1,
      };
      this.environment.putDocument(`lane/${partition}`, lane);
      return lane;
    });
    return Promise.resolve({ partition, ...claimed, outbox: null });
  }

  async initialise(claim: Claim, positions: Positions): Promise<void> {
    this.environment.write(() => {
      const lane = this.lane(claim.partition);
      if (lane?.token !== claim.token) throw new FencedError('Another owner has claimed the partition.');
      if (lane.positions === null)
        this.environment.putDocument(`lane/${claim.partition}`, { ...lane, positions });
      else if (!samePositions(lane.positions, positions))
        throw new Error(`Partition ${claim.partition} has positions already.`);
    });
  }

  load(claim: Claim, ids: readonly CustomerId[]): Promise<(Uint8Array | null)[]> {
    if (this.lane(claim.partition)?.token !== claim.token)
      return Promise.reject(new FencedError('Another owner has claimed the partition.'));
    return Promise.resolve(
      ids.map(id => this.environment.states.get(stateKey(claim.partition, id))?.subarray(DUE_BYTES) ?? null),
    );
  }

  positionsOf(claim: Claim): Promise<Positions | null> {
    const lane = this.lane(claim.partition);
    if (lane?.token !== claim.token)
      return Promise.reject(new FencedError('Another owner has claimed the partition.'));
    return Promise.resolve(lane.positions);
  }

  commit(claim: Claim, batch: StateBatch): Promise<CommitResult> {
    return Promise.resolve(this.environment.write(() => this.commitInTransaction(claim, batch)));
  }

  private commitInTransaction(claim: Claim, batch: StateBatch): CommitResult {
    const { partition } = claim;
    const lane = this.lane(partition);
    if (lane === null || lane.token !== claim.token) return 'fenced';
    if (
      lane.batchNumber === batch.batchNumber &&
      lane.positions !== null &&
      samePositions(lane.positions, batch.to)
    )
      return 'alreadyApplied';
    if (
      lane.batchNumber !== batch.batchNumber - 1 ||
      lane.positions === null ||
      !samePositions(lane.positions, batch.from)
    )
      return 'gap';
    for (const [id, value] of batch.states) this.putState(partition, id, value, batch.wakes.get(id));
    for (const [id, wake] of batch.wakes) if (!batch.states.has(id)) this.moveWake(partition, id, wake);
    for (const mail of batch.outbox.mail)
      this.log.appendInTransaction('customer-mail', mail.partition, [
        { key: mail.to, recordAt: mail.recordAt, value: mail.value },
      ]);
    this.output.appendInTransaction(batch.outbox.messages);
    const { batchNumber, to: positions, mailPositions, clocks } = batch;
    this.environment.putDocument(`lane/${partition}`, {
      ...lane,
      batchNumber,
      positions,
      mailPositions,
      clocks,
    });
    return 'applied';
  }

  /** Without a wake the due entry stays where it is. */
  private putState(
    partition: number,
    id: CustomerId,
    value: Uint8Array | null,
    wake: EpochMs | undefined,
  ): void {
    const { states } = this.environment;
    const key = stateKey(partition, id);
    const before = states.get(key)?.readDoubleBE(0) ?? NO_WAKE;
    const after = value === null ? NO_WAKE : wake === undefined ? before : wake === NEVER ? NO_WAKE : wake;
    this.moveEntry(partition, id, before, after);
    if (value === null) states.removeSync(key);
    else states.putSync(key, packState(after, value));
  }

  private moveWake(partition: number, id: CustomerId, wake: EpochMs): void {
    const { states } = this.environment;
    const key = stateKey(partition, id);
    const held = states.get(key);
    if (held === undefined) return;
    const after = wake === NEVER ? NO_WAKE : wake;
    this.moveEntry(partition, id, held.readDoubleBE(0), after);
    states.putSync(key, packState(after, held.subarray(DUE_BYTES)));
  }

  private moveEntry(partition: number, id: CustomerId, before: EpochMs, after: EpochMs): void {
    if (before === after) return;
    const { due } = this.environment;
    if (before !== NO_WAKE) due.removeSync(dueKey(partition, before, id));
    if (after !== NO_WAKE) due.putSync(dueKey(partition, after, id), EMPTY);
  }

  due(partition: number, until: EpochMs, limit: number, cursor?: DueEntry): Promise<DueEntry[]> {
    const start =
      cursor === undefined ? dueKey(partition, 0, '') : dueKey(partition, cursor.dueAt, cursor.customerId);
    const end = Number.isFinite(until)
      ? dueKey(partition, Math.floor(until) + 1, '')
      : partitionEnd(partition);
    const entries: DueEntry[] = [];
    for (const key of this.environment.due.getKeys({ start, end, limit: limit + 1 })) {
      const entry = { customerId: dueKeyId(key), dueAt: dueKeyAt(key) };
      if (cursor !== undefined && entry.dueAt === cursor.dueAt && entry.customerId === cursor.customerId)
        continue;
      if (entries.length < limit) entries.push(entry);
    }
    return Promise.resolve(entries);
  }

  async nextDue(partition: number): Promise<EpochMs> {
    const [first] = await this.due(partition, NEVER, 1);
    return first?.dueAt ?? NEVER;
  }

  scan(partition: number, limit: number, cursor?: CustomerId): Promise<StoredCustomer[]> {
    const start = stateKey(partition, cursor ?? '');
    const range = { start, end: partitionEnd(partition), limit: limit + 1 };
    const found: StoredCustomer[] = [];
    for (const { key, value } of this.environment.states.getRange(range)) {
      const customerId = stateKeyId(key);
      if (customerId !== cursor && found.length < limit)
        found.push({ customerId, value: value.subarray(DUE_BYTES) });
    }
    return Promise.resolve(found);
  }

  async walk(partition: number, limit: number, mark: string | null) {
    const customers = await this.scan(partition, limit, mark ?? undefined);
    return { customers, next: customers.length < limit ? null : customers.at(-1)!.customerId };
  }

  fence(_partition: number): Promise<void> {
    return Promise.resolve();
  }

  /** Everything was published by the commit's own transaction. */
  publish(_partition: number, _outbox: Outbox): Promise<void> {
    return Promise.resolve();
  }
}

const EMPTY = Buffer.alloc(0);

function packState(wake: EpochMs, value: Uint8Array): Buffer {
  const packed = Buffer.allocUnsafe(DUE_BYTES + value.length);
  packed.writeDoubleBE(wake, 0);
  packed.set(value, DUE_BYTES);
  return packed;
}
