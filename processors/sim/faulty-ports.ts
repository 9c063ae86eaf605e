/** Ports of a simulated process: each call may let others go first, and may fail before or after it took effect. */
import type { EpochMs, Positions } from '../../schemas';
import { MemoryEventLog } from '../../streams/memory';
import type { Claim, EventLog, Outbox, Publisher, StateBatch, StateStore } from '../ports';
import type { MemoryStateStore } from '../state/memory';
import type { SimulatedProcess } from './cluster';

export class FaultyLog implements EventLog {
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
    const { broker, random } = this.process.world;
    // Whether a transaction that was answered can be read by now is a matter of luck, unless somebody has waited for it.
    if (random.chance(0.5)) broker.decide(partition);
    return this.inner.committed(partition);
  }
}

export class FaultyStore implements StateStore {
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

  async walk(...args: Parameters<StateStore['walk']>) {
    await this.process.before(null);
    return this.inner.walk(...args);
  }
}

export class FaultyPublisher implements Publisher {
  constructor(private readonly process: SimulatedProcess) {}

  async fence(partition: number): Promise<void> {
    await this.process.before(null);
    return this.process.publishes.fence(partition);
  }

  async publish(partition: number, outbox: Outbox): Promise<void> {
    try {
      await this.process.before('publishRefused');
      // Mail goes first, by itself: a crash in between leaves it alone in the log.
      if (outbox.mail.length > 0) {
        this.process.publishes.sendMail(outbox);
        await this.process.before(null);
      }
      await this.process.queues();
      await this.process.publishes.publish(partition, { ...outbox, mail: [] });
      this.process.after('publishReplyLost');
    } catch (error) {
      this.process.publishes.lose(partition);
      throw error;
    }
  }
}
