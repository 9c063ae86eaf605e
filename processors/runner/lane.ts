/**
 * The lane: one partition, numbered as in docs/delivery.md.
 *
 * 1. Claim: a fresh token, a higher epoch; positions R, batch number and outbox come back.
 * 2. Fence the publisher, then read the committed positions K.
 * 3. Reconcile R and K.
 * 4. Read: records merged by the smallest record timestamp.
 * 5. Decode; what can't be used is a dead letter, what belongs elsewhere is mailed.
 * 6. Load, advance, score, interpret.
 * 7. Commit facts, positions and outbox in one atomic write.
 * 8. Publish mail, then messages and positions. Preparing batch n + 1 goes on meanwhile.
 */
import type { Alert, CustomerId, EpochMs, Positions } from '../../schemas';
import { encodeCustomer, interpret, nextWake } from '../core';
import type { CoreSettings, InputRules } from '../core';
import type {
  Claim,
  EventLog,
  Outbox,
  OutgoingMessage,
  Publisher,
  Scorer,
  StateBatch,
  StateStore,
  WireCodec,
} from '../ports';
import { VectorRows, foldCustomer } from './customer-batch';
import type { CustomerResult } from './customer-batch';
import { mergeByRecordTime, takeIn } from './intake';
import type { Intake, Taken } from './intake';
import { MessageWriter } from './messages';
import { newLaneMetrics } from './metrics';
import type { LaneMetrics, Stage } from './metrics';
import { reconcile } from './reconcile';
import { DEFAULT_LANE_SETTINGS } from './settings';
import type { LaneSettings } from './settings';

/** Names of the steps at which a simulation may stop, kill or delay a lane. */
export type LaneStep = 'claimed' | 'fenced' | 'reconciled' | 'read' | 'prepared' | 'committed' | 'published';

export interface LanePorts {
  log: EventLog;
  store: StateStore;
  publisher: Publisher;
  scorer: Scorer;
  codec: WireCodec;
}

export interface LaneOptions {
  partition: number;
  ports: LanePorts;
  core: CoreSettings;
  rules: InputRules;
  settings?: Partial<LaneSettings>;
  /** Called before the lane goes on from a step. */
  onStep?: (step: LaneStep) => void | Promise<void>;
}

/** Another owner has the partition, or the stored positions are not this lane's: claim again. */
export class LaneLostError extends Error {
  override readonly name = 'LaneLostError';
}

interface Prepared {
  batch: StateBatch;
  taken: Taken;
}

export class Lane {
  readonly metrics: LaneMetrics = newLaneMetrics();
  readonly partition: number;
  private readonly settings: LaneSettings;
  private readonly writer: MessageWriter;
  private readonly vectors = new VectorRows();
  private claim: Claim | null = null;
  private next!: Pick<StateBatch, 'batchNumber' | 'mailPositions' | 'clocks'> & { positions: Positions };
  /** States of the batch that is being committed and published. */
  private overlay: ReadonlyMap<CustomerId, Uint8Array | null> = new Map();
  private inFlight: Promise<void> = Promise.resolve();

  constructor(private readonly options: LaneOptions) {
    this.partition = options.partition;
    this.settings = { ...DEFAULT_LANE_SETTINGS, ...options.settings };
    this.writer = new MessageWriter(options.ports.codec, this.settings.source);
  }

  private step(step: LaneStep): void | Promise<void> {
    return this.options.onStep?.(step);
  }

  private timed(stage: Stage, since: number): number {
    const now = performance.now();
    this.metrics.stageMs[stage] += now - since;
    return now;
  }

  /** Steps 1 to 3. @throws DamagedPositionsError when R and K can't both be true. */
  async start(): Promise<void> {
    const { store, publisher, log } = this.options.ports;
    const claim = await store.claim(this.partition);
    await this.step('claimed');
    await publisher.fence(this.partition);
    await this.step('fenced');
    const positions = await reconcile(claim, { store, publisher, log });
    this.claim = { ...claim, positions };
    const { batchNumber, mailPositions, clocks } = claim;
    this.next = { batchNumber, mailPositions, clocks, positions };
    this.overlay = new Map();
    this.inFlight = Promise.resolve();
    await this.step('reconciled');
  }

  get epoch(): number {
    return this.claim?.epoch ?? 0;
  }

  /** Positions after the last batch that was prepared. */
  get positions(): Positions {
    return this.next.positions;
  }

  /** One batch. False when there was nothing to read. */
  async advance(): Promise<boolean> {
    const taken = await this.take();
    if (taken === null) {
      await this.settle();
      return false;
    }
    const prepared = await this.prepare(taken);
    await this.step('prepared');
    await this.inFlight;
    this.overlay = prepared.batch.states;
    this.inFlight = this.finish(prepared.batch);
    // A failure is reported where it is awaited next; until then it must not count as unhandled.
    this.inFlight.catch(() => undefined);
    return true;
  }

  /** Works until every topic is at its end and everything is published. */
  async drain(): Promise<void> {
    while (await this.advance());
  }

  /** Waits for the batch in flight. */
  async settle(): Promise<void> {
    await this.inFlight;
    this.overlay = new Map();
  }

  /** Step 4. */
  private async take(): Promise<Taken | null> {
    const started = performance.now();
    const { positions } = this.next;
    const batches = await this.options.ports.log.read(this.partition, positions, this.settings.maxRecords);
    const taken = mergeByRecordTime(batches, positions, this.settings.maxRecords);
    this.timed('read', started);
    const moved = Object.entries(taken.to).some(
      ([topic, offset]) => positions[topic as keyof Positions] !== offset,
    );
    if (!moved) return null;
    await this.step('read');
    return taken;
  }

  /** Steps 5 and 6. */
  private async prepare(taken: Taken): Promise<Prepared> {
    const intake = this.decode(taken);
    const results = await this.fold(intake);
    const messages = await this.score(results, taken.to);
    const batch = this.close(taken, intake, results, messages);
    this.metrics.batches++;
    this.metrics.records += taken.records.length;
    const { batchNumber, mailPositions, clocks } = batch;
    this.next = { batchNumber, mailPositions, clocks, positions: batch.to };
    return { batch, taken };
  }

  private decode(taken: Taken): Intake {
    const started = performance.now();
    const { ports, rules } = this.options;
    const intake: Intake = {
      byCustomer: new Map(),
      mail: [],
      deadLetters: [],
      mailPositions: { ...this.next.mailPositions },
      clocks: { ...this.next.clocks },
    };
    const tools = {
      partition: this.partition,
      log: ports.log,
      codec: ports.codec,
      rules,
      writer: this.writer,
      metrics: this.metrics,
    };
    for (const record of taken.records) takeIn(record, intake, tools);
    this.timed('decode', started);
    return intake;
  }

  private async fold(intake: Intake): Promise<CustomerResult[]> {
    const { ports, core } = this.options;
    const ids = [...intake.byCustomer.keys()];
    let started = performance.now();
    const unknown = ids.filter(id => !this.overlay.has(id));
    const loaded = unknown.length > 0 ? await ports.store.load(this.claim!, unknown) : [];
    const stored = new Map(unknown.map((id, index) => [id, loaded[index]!]));
    started = this.timed('load', started);
    this.vectors.reset();
    const before = this.metrics.stageMs.codec + this.metrics.stageMs.vector;
    const results = ids.map(id => {
      // The clocks of the batch's start: trimming late is harmless, trimming early would forget a duplicate.
      const value = this.overlay.has(id) ? this.overlay.get(id)! : stored.get(id)!;
      return foldCustomer(id, value, intake.byCustomer.get(id)!, {
        partition: this.partition,
        log: ports.log,
        codec: ports.codec,
        writer: this.writer,
        settings: core,
        metrics: this.metrics,
        clocks: this.next.clocks,
        vectors: this.vectors,
        mail: intake.mail,
      });
    });
    this.timed('advance', started);
    this.metrics.stageMs.advance -= this.metrics.stageMs.codec + this.metrics.stageMs.vector - before;
    return results;
  }

  /** One call of the models for all evaluations of the batch; then each customer's in order. */
  private async score(results: readonly CustomerResult[], to: Positions): Promise<OutgoingMessage[]> {
    const { scorer } = this.options.ports;
    const messages: OutgoingMessage[] = [];
    const { constants } = scorer;
    let started = performance.now();
    const raw = this.vectors.rows > 0 ? await scorer.score(this.vectors.cells, this.vectors.rows) : null;
    started = this.timed('inference', started);
    const place = { epoch: this.epoch, position: { partition: this.partition, ...to } };
    for (const result of results) {
      for (const { evaluation, row } of result.evaluations) {
        const scores = { engagement: raw!.engagement[row]!, churn: raw!.churn[row]!, ltv: raw!.ltv[row]! };
        const said = interpret(
          scores,
          evaluation,
          result.customer.ledger,
          constants,
          this.options.core,
          place,
        );
        this.metrics.evaluations++;
        if (said.score === null) this.metrics.suppressed++;
        else {
          const message = this.writer.score(said.score);
          this.metrics.published[evaluation.cause]++;
          messages.push(message, ...said.alerts.map(alert => this.alertMessage(alert, message.id)));
        }
      }
      messages.push(...result.messages);
    }
    this.timed('interpret', started);
    return messages;
  }

  private alertMessage(alert: Alert, scoreId: string): OutgoingMessage {
    this.metrics[alert.state === 'raised' ? 'alertsRaised' : 'alertsCleared'][alert.kind]++;
    return this.writer.alert({ ...alert, scoreId });
  }

  private close(
    taken: Taken,
    intake: Intake,
    results: readonly CustomerResult[],
    messages: OutgoingMessage[],
  ): StateBatch {
    const started = performance.now();
    const states = new Map<CustomerId, Uint8Array | null>();
    const wakes = new Map<CustomerId, EpochMs>();
    for (const { customer, removed } of results) {
      states.set(customer.id, removed ? null : encodeCustomer(customer));
      wakes.set(customer.id, nextWake(customer, this.options.core));
    }
    const batchNumber = this.next.batchNumber + 1;
    const from = this.next.positions;
    const to = taken.to;
    const sendable = [...messages, ...intake.deadLetters].map(message => this.withinLimit(message));
    const outbox: Outbox = { batchNumber, from, to, mail: intake.mail, messages: sendable };
    this.timed('encode', started);
    return {
      batchNumber,
      from,
      to,
      mailPositions: intake.mailPositions,
      clocks: intake.clocks,
      states,
      wakes,
      outbox,
    };
  }

  /** A message that the log would refuse must be found before the commit, not after. */
  private withinLimit(message: OutgoingMessage): OutgoingMessage {
    const { value, topic, key } = message;
    if (value === null || value.length <= this.settings.maxMessageBytes) return message;
    const code = 'message-too-large';
    this.metrics.deadLetters[code] = (this.metrics.deadLetters[code] ?? 0) + 1;
    const reason = `A message for ${topic} has ${value.length} bytes, the limit is ${this.settings.maxMessageBytes}. Raise maxMessageBytes with the topic's own limit.`;
    const source = { topic, partition: this.partition, offset: this.next.batchNumber + 1 };
    const letter = { source, origin: key, stage: 'publish' as const, code, reason };
    return this.writer.deadLetter(letter, value, 0);
  }

  /** Steps 7 and 8. */
  private async finish(batch: StateBatch): Promise<void> {
    let started = performance.now();
    const result = await this.options.ports.store.commit(this.claim!, batch);
    started = this.timed('commit', started);
    if (result === 'fenced') throw new LaneLostError(`Partition ${this.partition} has another owner.`);
    if (result === 'gap')
      throw new LaneLostError(
        `The stored positions of partition ${this.partition} are not where this lane left them.`,
      );
    await this.step('committed');
    started = performance.now();
    await this.options.ports.publisher.publish(this.partition, batch.outbox);
    this.timed('publish', started);
    await this.step('published');
  }
}
