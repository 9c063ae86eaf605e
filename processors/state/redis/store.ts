/** StateStore in Redis: every change is one script, a compare-and-set, so a command that runs twice changes nothing. */
import { randomUUID } from 'node:crypto';
import type { CustomerId, EpochMs, InputTopic, Positions } from '../../../schemas';
import { INPUT_TOPICS, NEVER } from '../../../schemas';
import { FencedError } from '../../ports';
import type {
  Claim,
  CommitResult,
  DueEntry,
  MailPositions,
  StateBatch,
  StateStore,
  StoredCustomer,
} from '../../ports';
import { compareIds, firstAfter } from '../byte-order';
import { keysOf } from './keys';
import { decodeOutbox, encodeOutbox } from './outbox-codec';
import { loadScripts } from './scripts';
import type { RedisConnection, Scripts } from './scripts';

const RESULTS: Readonly<Record<number, CommitResult>> = {
  1: 'applied',
  0: 'alreadyApplied',
  [-1]: 'fenced',
  [-2]: 'gap',
};
const FENCED = -1;

/** Always in the same order: positions are compared as text. */
const packPositions = (positions: Positions): string =>
  JSON.stringify(INPUT_TOPICS.map(topic => positions[topic]));

const unpackPositions = (text: Buffer | string): Record<InputTopic, number> => {
  const offsets = JSON.parse(text.toString()) as number[];
  return Object.fromEntries(INPUT_TOPICS.map((topic, at) => [topic, offsets[at]!])) as Record<
    InputTopic,
    number
  >;
};

const noClocks = (): Record<InputTopic, EpochMs> =>
  Object.fromEntries(INPUT_TOPICS.map(topic => [topic, 0])) as Record<InputTopic, EpochMs>;

export interface PartitionHead {
  /** R; null: the partition was never begun. */
  positions: Positions | null;
  mailPositions: MailPositions;
  /** As it is stored: `decodeOutbox` reads it. */
  outbox: Buffer | null;
}

export class RedisStateStore implements StateStore {
  private readonly scripts: Scripts;
  /** Ids in order, from the first page of a scan to its last. */
  private readonly scans = new Map<number, CustomerId[]>();

  constructor(
    private readonly connection: RedisConnection,
    /** Names the deployment: several may share a Redis. */
    private readonly prefix = 'rescore',
  ) {
    this.scripts = loadScripts(connection);
  }

  private keys(partition: number) {
    return keysOf(this.prefix, partition);
  }

  async claim(partition: number): Promise<Claim> {
    const { meta, outbox } = this.keys(partition);
    const token = randomUUID();
    const [epoch, batchNumber, positions, mail, clocks, bytes] = (await this.scripts.claim(
      meta,
      outbox,
      token,
    )) as [number, number, ...(Buffer | null)[]];
    return {
      partition,
      token,
      epoch,
      batchNumber,
      positions: positions == null ? null : unpackPositions(positions),
      mailPositions: mail == null ? {} : (JSON.parse(mail.toString()) as MailPositions),
      clocks: clocks == null ? noClocks() : unpackPositions(clocks),
      outbox: bytes == null ? null : decodeOutbox(bytes),
    };
  }

  async initialise({ partition, token }: Claim, positions: Positions): Promise<void> {
    const answer = await this.scripts.initialise(this.keys(partition).meta, token, packPositions(positions));
    if (answer === FENCED) throw fenced(partition);
    if (answer !== 1)
      throw new Error(`Partition ${partition} has positions already: initialise is for a first start.`);
  }

  async load({ partition, token }: Claim, ids: readonly CustomerId[]): Promise<(Uint8Array | null)[]> {
    const { meta, facts } = this.keys(partition);
    const answer = await this.scripts.load(meta, facts, token, ...ids);
    if (answer === FENCED) throw fenced(partition);
    return answer as (Buffer | null)[];
  }

  /** For readers beside the owner of the partition: without a claim. Nulls: nothing is held. */
  async peek(partition: number, id: CustomerId): Promise<{ value: Buffer | null; dueAt: EpochMs | null }> {
    const { facts, due } = this.keys(partition);
    const answers = await this.connection.multi().hgetBuffer(facts, id).zscore(due, id).exec();
    const [value, dueAt] = answers!.map(([, answer]) => answer) as [Buffer | null, string | null];
    return { value, dueAt: dueAt === null ? null : Number(dueAt) };
  }

  /** What a partition holds beside its customers, at one instant and without a claim. */
  async head(partition: number): Promise<PartitionHead> {
    const { meta, outbox } = this.keys(partition);
    const answers = await this.connection.multi().hmget(meta, 'positions', 'mail').getBuffer(outbox).exec();
    const [[positions, mail], bytes] = answers!.map(([, answer]) => answer) as [
      [string | null, string | null],
      Buffer | null,
    ];
    return {
      positions: positions === null ? null : unpackPositions(positions),
      mailPositions: mail === null ? {} : (JSON.parse(mail) as MailPositions),
      outbox: bytes,
    };
  }

  async positionsOf({ partition, token }: Claim): Promise<Positions | null> {
    const answer = await this.scripts.positions(this.keys(partition).meta, token);
    if (answer === FENCED) throw fenced(partition);
    return answer === null ? null : unpackPositions(answer as Buffer);
  }

  async commit({ partition, token }: Claim, batch: StateBatch): Promise<CommitResult> {
    const { meta, facts, due, outbox } = this.keys(partition);
    const answer = await this.scripts.commit(meta, facts, due, outbox, token, ...argumentsOf(batch));
    return RESULTS[answer as number]!;
  }

  async due(partition: number, until: EpochMs, limit: number, cursor?: DueEntry): Promise<DueEntry[]> {
    const { due } = this.keys(partition);
    const entries: DueEntry[] = [];
    const from = cursor === undefined ? '-inf' : String(cursor.dueAt);
    const to = Number.isFinite(until) ? String(until) : '+inf';
    // Entries of the cursor's own instant may come before it: they are left out, and more is asked for.
    for (let offset = 0; entries.length < limit; offset += limit) {
      const page = await this.connection.zrangebyscore(due, from, to, 'WITHSCORES', 'LIMIT', offset, limit);
      for (let at = 0; at < page.length; at += 2) {
        const entry = { customerId: page[at]!, dueAt: Number(page[at + 1]) };
        if (cursor === undefined || isAfter(entry, cursor)) entries.push(entry);
      }
      if (page.length < 2 * limit) break;
    }
    return entries.slice(0, limit);
  }

  async nextDue(partition: number): Promise<EpochMs> {
    const [first] = await this.due(partition, NEVER, 1);
    return first?.dueAt ?? NEVER;
  }

  /** A hash has no order: the ids are sorted once a scan. */
  async scan(partition: number, limit: number, cursor?: CustomerId): Promise<StoredCustomer[]> {
    const { facts } = this.keys(partition);
    let ids = cursor === undefined ? undefined : this.scans.get(partition);
    if (ids === undefined)
      this.scans.set(partition, (ids = (await this.connection.hkeys(facts)).sort(compareIds)));
    const found: StoredCustomer[] = [];
    let at = cursor === undefined ? 0 : firstAfter(ids, id => compareIds(id, cursor) > 0);
    while (at < ids.length && found.length < limit) {
      const page = ids.slice(at, at + limit - found.length);
      const values = await this.connection.hmgetBuffer(facts, ...page);
      page.forEach((customerId, index) => {
        const value = values[index];
        if (value != null) found.push({ customerId, value });
      });
      at += page.length;
    }
    if (found.length < limit) this.scans.delete(partition);
    return found;
  }

  /** By the hash's own cursor: no page costs more because there are more customers. */
  async walk(partition: number, limit: number, mark: string | null) {
    const { facts } = this.keys(partition);
    const [cursor, page] = await this.connection.hscanBuffer(facts, mark ?? '0', 'COUNT', limit);
    const customers: StoredCustomer[] = [];
    for (let at = 0; at < page.length; at += 2)
      customers.push({ customerId: page[at]!.toString(), value: page[at + 1]! });
    const next = cursor.toString();
    return { customers, next: next === '0' ? null : next };
  }
}

const fenced = (partition: number): FencedError =>
  new FencedError(`Another owner has claimed partition ${partition}.`);

const isAfter = (entry: DueEntry, cursor: DueEntry): boolean =>
  entry.dueAt > cursor.dueAt ||
  (entry.dueAt === cursor.dueAt && compareIds(entry.customerId, cursor.customerId) > 0);

/** In the order that commit-4.lua names. */
function argumentsOf(batch: StateBatch): (string | number | Buffer)[] {
  const states: (string | Buffer)[] = [];
  const removed: string[] = [];
  for (const [id, value] of batch.states)
    if (value === null) removed.push(id);
    else states.push(id, asBuffer(value));
  const wakes: string[] = [];
  for (const [id, wake] of batch.wakes) wakes.push(id, wake === NEVER ? '' : String(wake));
  return [
    batch.batchNumber,
    packPositions(batch.from),
    packPositions(batch.to),
    JSON.stringify(batch.mailPositions),
    packPositions(batch.clocks),
    encodeOutbox(batch.outbox),
    states.length / 2,
    ...states,
    removed.length,
    ...removed,
    wakes.length / 2,
    ...wakes,
  ];
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
