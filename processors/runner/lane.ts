/**
 * The lane: one partition, numbered as in docs/delivery.md.
 *
 * 1. Claim: a fresh token, a higher epoch; positions R, batch number and outbox come back.
 * 2. Fence the publisher, look at the token again, then read the committed positions K.
 * 3. Reconcile R and K.
 * 4. Read: records merged by the smallest record timestamp.
 * 5. Decode; what can't be used is a dead letter, what belongs elsewhere is mailed.
 * 6. Load, advance, score, interpret.
 * 7. Commit facts, positions and outbox in one atomic write.
 * 8. Publish mail, then messages and positions. Preparing batch n + 1 goes on meanwhile.
 *
 * A lane that throws is started again: what it held in memory is worth nothing then.
 */
import type { CustomerId, EpochMs, Positions } from '../../schemas';
import type { Claim, Outbox, OutgoingMessage, StateBatch } from '../ports';
import { evaluateRest, foldInputs } from './advance';
import type { AdvanceTools } from './advance';
import { closeDraft } from './closing';
import { Draft, VectorRows } from './draft';
import type { DraftBasis } from './draft';
import { HotCustomers } from './hot-customers';
import { Intake } from './intake';
import { MessageWriter } from './messages';
import { StageTimer, addMetrics, newLaneMetrics } from './metrics';
import type { LaneMetrics } from './metrics';
import { LaneLostError } from './options';
import type { LaneOptions, LaneStep } from './options';
import { Patience } from './patience';
import { offsetsOf, samePositions } from './positions';
import { publishOutbox } from './publication';
import { readRecord } from './reading';
import type { ReadingTools } from './reading';
import { RECOVERY_MARK, reconcile } from './reconcile';
import type { Recovery } from './reconcile';
import { republishPage } from './recovery';
import { scoreDraft } from './scoring';
import { DEFAULT_LANE_SETTINGS } from './settings';
import type { LaneSettings } from './settings';

export class Lane {
  readonly metrics: LaneMetrics = newLaneMetrics();
  readonly partition: number;
  private readonly settings: LaneSettings;
  private readonly writer: MessageWriter;
  private readonly vectors = new VectorRows();
  private readonly intake: Intake;
  private readonly hot: HotCustomers;
  private readonly patience: Patience;
  private readonly timer = new StageTimer(this.metrics);
  private claim: Claim | null = null;
  private batchNumber = 0;
  private basis!: DraftBasis;
  /** Not null: the store lost writes, and nothing is said before this position is reached. */
  private recovery: Recovery | null = null;
  private inFlight: Promise<void> = Promise.resolve();
  /** When the store last said, by a commit or when asked, that it holds what this lane wrote. */
  private storeSeenAt: EpochMs = 0;

  constructor(private readonly options: LaneOptions) {
    const { partition, ports } = options;
    this.partition = partition;
    this.settings = { ...DEFAULT_LANE_SETTINGS, ...options.settings };
    const { source, maxMessageBytes, maxRecords, maxCustomers, hotCustomers } = this.settings;
    this.writer = new MessageWriter(ports.codec, source, maxMessageBytes, code => this.countDeadLetter(code));
    this.intake = new Intake(ports.log, partition, maxRecords);
    this.hot = new HotCustomers(Math.max(hotCustomers, maxCustomers));
    this.patience = new Patience(ports.clock, this.settings, () => this.metrics.retries++);
  }

  private countDeadLetter(code: string): void {
    this.metrics.deadLetters[code] = (this.metrics.deadLetters[code] ?? 0) + 1;
  }

  private step(step: LaneStep): void | Promise<void> {
    return this.options.onStep?.(step);
  }

  /** Steps 1 to 3. @throws DamagedPositionsError when R and K can't both be true. */
  async start(): Promise<void> {
    const { store, publisher, log } = this.options.ports;
    await this.settle().catch(() => undefined);
    this.hot.clear();
    await this.step('claiming');
    let claim = await this.patience.ask(() => store.claim(this.partition));
    this.metrics.claims++;
    await this.step('claimed');
    // All of it again when a part fails: an outbox may be out although nobody said so, and K tells.
    const { positions, recovery } = await this.patience.ask(async () => {
      await publisher.fence(this.partition);
      await this.step('fenced');
      await store.load(claim, []);
      const committed = await log.committed(this.partition);
      // A store that lost its newest claims must not give their epochs to anybody again.
      while (claim.epoch <= (committed?.epoch ?? 0)) claim = await store.claim(this.partition);
      return reconcile(claim, committed, { store, publisher, log });
    });
    this.open(claim, positions, recovery);
    await this.step('reconciled');
  }

  private open(claim: Claim, positions: Positions, recovery: Recovery | null): void {
    const { batchNumber, mailPositions, clocks } = claim;
    this.claim = { ...claim, positions };
    this.batchNumber = batchNumber;
    this.basis = { positions: offsetsOf(positions), mailPositions, clocks };
    this.recovery = recovery;
    if (recovery !== null) this.metrics.recoveries++;
    this.intake.open(positions);
    this.intake.limitTo(recovery?.to ?? null);
    this.inFlight = Promise.resolve();
  }

  get epoch(): number {
    return this.claim?.epoch ?? 0;
  }

  /** Positions after the last batch that was prepared. */
  get positions(): Positions {
    return this.basis.positions;
  }

  /** Every record of the lane before this instant was taken: what a tick may be due at. */
  readThrough(): EpochMs {
    return this.recovery === null ? this.intake.readThrough() : -Infinity;
  }

  /** One batch. False when there was nothing to read. @throws LaneLostError, FencedError, DamagedStateError. */
  async advance(): Promise<boolean> {
    const draft = await this.read();
    if (draft === null) return this.atEnd();
    const batch = await this.prepare(draft);
    await this.step('prepared');
    await this.inFlight;
    this.inFlight = this.finish(batch, draft.counts, this.recovery === null);
    // A failure is reported where it is awaited next; until then it must not count as unhandled.
    this.inFlight.catch(() => undefined);
    return true;
  }

  /** Nothing to read: the batch in flight ends, and so may a recovery. */
  private async atEnd(): Promise<boolean> {
    await this.settle();
    // A topic may be slow to come: the recovery waits for it like every other batch.
    if (this.recovery === null || !samePositions(this.basis.positions, this.recovery.to)) {
      await this.checkStore();
      return false;
    }
    await this.endRecovery(this.recovery);
    return true;
  }

  /** An idle lane has no commit that would tell it of lost writes. */
  private async checkStore(): Promise<void> {
    const { clock } = this.options.ports;
    if (clock === undefined || clock.now() - this.storeSeenAt < this.settings.idleMs) return;
    this.storeSeenAt = clock.now();
    const held = await this.patience.ask(() => this.options.ports.store.positionsOf(this.claim!));
    if (held !== null && samePositions(held, this.basis.positions)) return;
    this.metrics.gaps++;
    throw new LaneLostError(`The store lost writes of partition ${this.partition}.`);
  }

  /** Works until every topic is at its end and everything is published. */
  async drain(): Promise<void> {
    while (await this.advance());
  }

  /** Waits for the batch in flight. */
  async settle(): Promise<void> {
    await this.inFlight;
  }

  /** Steps 4 and 5; null when nothing moved. */
  private async read(): Promise<Draft | null> {
    this.timer.restart();
    await this.step('reading');
    const draft = new Draft(this.basis);
    await this.fill(true);
    await this.takeRecords(draft);
    if (draft.counts.records > 0) {
      if (this.recovery === null) this.options.ports.publisher.announce?.(this.partition);
      if (await this.linger(draft)) await this.takeRecords(draft);
    }
    if (samePositions(this.intake.positions(), this.basis.positions)) return null;
    await this.step('read');
    return draft;
  }

  private fill(alsoAtEnd: boolean): Promise<void> {
    const now = this.options.ports.clock?.now() ?? -Infinity;
    return this.patience.ask(() => this.intake.fill(now, alsoAtEnd));
  }

  private async takeRecords(draft: Draft): Promise<void> {
    const tools = this.readingTools();
    this.timer.took('read');
    while (!this.isFull(draft)) {
      if (this.intake.starved) {
        this.timer.took('decode');
        await this.fill(false);
        this.timer.took('read');
      }
      const record = this.intake.next();
      if (record === null) break;
      readRecord(record, draft, tools);
    }
    this.timer.took('decode');
  }

  private isFull({ counts, customers, outboxBytes }: Draft): boolean {
    const { maxRecords, maxCustomers, maxOutboxBytes } = this.settings;
    return counts.records >= maxRecords || customers.size >= maxCustomers || outboxBytes >= maxOutboxBytes;
  }

  /** Under light load a batch waits a moment for company; true when it is worth looking again. */
  private async linger(draft: Draft): Promise<boolean> {
    const { clock } = this.options.ports;
    const { lingerMs } = this.settings;
    if (clock === undefined || lingerMs === 0 || this.isFull(draft)) return false;
    // To the next multiple, so that all lanes end their waits together and share what follows: one transaction.
    const wait = lingerMs - (clock.now() % lingerMs);
    // Nor could it be committed before the batch in flight is published: what comes until then comes along.
    await Promise.all([clock.sleep(wait, this.options.signal), this.inFlight.catch(() => undefined)]);
    await this.fill(true);
    return true;
  }

  private readingTools(): ReadingTools {
    const { ports, rules, originOf } = this.options;
    return {
      partition: this.partition,
      log: ports.log,
      codec: ports.codec,
      rules,
      writer: this.writer,
      maxMessageBytes: this.settings.maxMessageBytes,
      originOf: originOf ?? (() => null),
    };
  }

  /** Step 6. */
  private async prepare(draft: Draft): Promise<StateBatch> {
    const { ports, core } = this.options;
    const { timer, vectors, writer } = this;
    const to = this.intake.positions();
    await this.load(draft);
    vectors.reset();
    let vectorMicros = 0;
    const onVector = (micros: number): void => void (vectorMicros += micros);
    const tools: AdvanceTools = {
      log: ports.log,
      codec: ports.codec,
      writer,
      settings: core,
      vectors,
      onVector,
    };
    foldInputs(draft, tools);
    timer.took('advance');
    this.metrics.stageMicros.advance -= vectorMicros;
    this.metrics.stageMicros.vector += vectorMicros;
    evaluateRest(draft, tools);
    timer.took('vector');
    const messages = await this.score(draft, to, this.recovery === null);
    return this.close(draft, to, messages);
  }

  private score(draft: Draft, to: Positions, publishes: boolean): Promise<OutgoingMessage[]> {
    const { options, partition, epoch, timer, vectors, writer } = this;
    const { core, ports } = options;
    const { scorer, watch } = ports;
    const { vectorShare } = this.settings;
    const tools = { scorer, writer, core, vectors, vectorShare, partition, epoch, timer, publishes };
    return scoreDraft(draft, to, watch === undefined ? tools : { ...tools, watch });
  }

  private async load(draft: Draft): Promise<void> {
    const missing = this.hot.fill(draft.customers.values());
    this.timer.took('codec');
    const { counts } = draft;
    counts.customersHot += draft.customers.size - missing.length;
    counts.customersLoaded += missing.length;
    if (missing.length === 0) return;
    const { store } = this.options.ports;
    const ids = missing.map(({ id }) => id);
    const values = await this.patience.ask(() => store.load(this.claim!, ids));
    this.timer.took('load');
    this.hot.decode(missing, values);
    this.timer.took('codec');
  }

  private close(draft: Draft, to: Positions, messages: readonly OutgoingMessage[]): StateBatch {
    if (this.recovery !== null) this.markRecovery(draft, this.recovery);
    const batch = closeDraft(draft, to, messages, {
      core: this.options.core,
      epoch: this.epoch,
      batchNumber: ++this.batchNumber,
      isSilent: this.recovery !== null,
    });
    const { mailPositions, clocks, states } = batch;
    this.hot.keep(states);
    this.basis = { positions: offsetsOf(to), mailPositions, clocks };
    this.timer.took('encode');
    return batch;
  }

  /** Steps 7 and 8. */
  private async finish(batch: StateBatch, counts: LaneMetrics, publishes: boolean): Promise<void> {
    const timer = new StageTimer(this.metrics);
    this.options.onBatch?.(batch, counts);
    await this.step('committing');
    const result = await this.patience.ask(() => this.options.ports.store.commit(this.claim!, batch));
    timer.took('commit');
    this.storeSeenAt = this.options.ports.clock?.now() ?? 0;
    if (result === 'fenced') {
      this.metrics.fenced++;
      throw new LaneLostError(`Partition ${this.partition} has another owner.`);
    }
    if (result === 'gap') {
      this.metrics.gaps++;
      throw new LaneLostError(
        `The stored positions of partition ${this.partition} are not where this lane left them.`,
      );
    }
    addMetrics(this.metrics, counts);
    await this.step('committed');
    timer.restart();
    if (publishes) await this.publish(batch.outbox);
    timer.took('publish');
    await this.step('published');
  }

  private publish(outbox: Outbox): Promise<void> {
    const { options, patience, settings } = this;
    const onAttempt = (): void | Promise<void> => this.step('publishing');
    const { ports } = options;
    return publishOutbox(outbox, this.claim!, { ports, patience, attempts: settings.attempts, onAttempt });
  }

  /**
   * Everything up to K is applied: says the present score and alerts of every customer that the recovery touched,
   * page by page, then forgets the mark. A crash in between starts this again for those that are left.
   */
  private async endRecovery(recovery: Recovery): Promise<void> {
    let cursor: CustomerId | undefined;
    do {
      const draft = new Draft(this.basis);
      this.vectors.reset();
      cursor = await republishPage(draft, cursor, {
        store: this.options.ports.store,
        partition: this.partition,
        vectors: this.vectors,
        pageSize: this.settings.maxCustomers,
        ofEveryone: recovery.ofEveryone,
      });
      if (draft.customers.size === 0) continue;
      const { positions } = this.basis;
      const messages = await this.score(draft, positions, true);
      this.markRecovery(draft, recovery);
      this.recovery = null;
      const batch = this.close(draft, positions, messages);
      this.recovery = recovery;
      await this.finish(batch, draft.counts, true);
    } while (cursor !== undefined);
    await this.forgetRecovery();
  }

  private markRecovery(draft: Draft, { ofEveryone }: Recovery): void {
    draft.mark(RECOVERY_MARK, { offset: this.epoch, index: ofEveryone ? 1 : 0 });
  }

  private async forgetRecovery(): Promise<void> {
    const draft = new Draft(this.basis);
    draft.unmark(RECOVERY_MARK);
    this.recovery = null;
    const batch = this.close(draft, this.basis.positions, []);
    await this.finish(batch, draft.counts, true);
    this.hot.clear();
    this.intake.limitTo(null);
  }
}
