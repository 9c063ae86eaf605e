/**
 * A history through the real core, once, in the order of its record timestamps. A snapshot at T is taken just
 * before the first record after T, so it knows only what had arrived by T; what comes later becomes its label.
 *
 * A `raw` history holds what customers did; mail and ticks are made here. One that a `stream` has worked on holds its
 * mail and ticks too, and nothing is added.
 */
import type { CustomerId, EpochMs, InputTopic, WireInputs } from '../../schemas';
import { NEVER } from '../../schemas';
import type { Customer, CustomerInput, Effect, InputRules, InputSource } from '../../processors/core';
import {
  ANONYMOUS_PREFIX,
  DEFAULT_RULES,
  DEFAULT_SETTINGS,
  fold,
  newCustomer,
  nextWake,
  readInput,
} from '../../processors/core';
import { LABEL_PLANS, firstSnapshot, nextSnapshot, isValidationCustomer } from './plan';
import type { ArchiveRange } from './plan';
import { Snapshots, noteActivity, noteRevenue } from './snapshots';
import type { SnapshotRow } from './snapshots';

export type HistoryRecord = {
  [T in InputTopic]: { topic: T; recordAt: EpochMs; value: WireInputs[T] };
}[InputTopic];

export type HistoryKind = 'raw' | 'stream';

export interface Track {
  readonly customer: Customer;
  nextSnapshotAt: EpochMs;
  rows: SnapshotRow[];
}

/** What goes on tomorrow from where today ended. */
export interface FoldState {
  readonly counts: Record<'inputs' | 'refused' | 'received', number>;
  /** Newest record timestamps by topic; -Infinity before the first. */
  readonly clocks: Record<InputTopic, EpochMs>;
  /** By customer, in the order in which they appeared. */
  readonly tracks: Map<CustomerId, Track>;
  /** Of all customers, in the order of the snapshots. */
  readonly snapshots: Snapshots;
}

const newState = (): FoldState => ({
  counts: { inputs: 0, refused: 0, received: 0 },
  clocks: {
    'web-events': -Infinity,
    orders: -Infinity,
    customers: -Infinity,
    'customer-commands': -Infinity,
    'customer-mail': -Infinity,
  },
  tracks: new Map(),
  snapshots: new Snapshots(),
});

const TENURE_MS = LABEL_PLANS.find(({ name }) => name === 'churn')!.tenureMs;
const LTV_HORIZON_MS = LABEL_PLANS.find(({ name }) => name === 'ltv')!.horizonMs;

export class HistoryFold {
  private newest: EpochMs = -Infinity;
  private readonly effects: Effect[] = [];

  constructor(
    private readonly range: ArchiveRange,
    private readonly rules: InputRules = DEFAULT_RULES,
    private readonly kind: HistoryKind = 'raw',
    readonly state: FoldState = newState(),
  ) {}

  /** Inputs by what became of them. */
  get counts(): FoldState['counts'] {
    return this.state.counts;
  }

  get customers(): number {
    return this.state.tracks.size;
  }

  /** A record of a raw history. Throws `RangeError` for one from before the one that came last. */
  take(record: HistoryRecord): void {
    if (record.recordAt < this.newest)
      throw new RangeError('Records must come in the order of their record timestamps.');
    this.newest = this.state.clocks[record.topic] = record.recordAt;
    const source = { topic: record.topic, partition: 0, offset: this.counts.inputs++, index: 0 };
    const place = { recordAt: record.recordAt, source, mailedFrom: null };
    const reading = readInput(record.topic, record.value, place, this.rules);
    if (reading.ok) this.apply(reading.input, record.recordAt);
    else this.counts.refused++;
  }

  /**
   * An input of a stream's history, as its lane has read it; `arrivedAt` never goes back. Mail counts at the instant
   * of what caused it, but arrives at its own.
   */
  takeInput(input: CustomerInput, arrivedAt: EpochMs): void {
    const { clocks, counts } = this.state;
    const { topic } = input.source;
    if (input.recordAt > clocks[topic]) clocks[topic] = input.recordAt;
    counts.inputs++;
    if (input.kind === 'received') counts.received++;
    this.apply(input, arrivedAt);
  }

  /** A record of a stream's history that gave no input: a dead letter, or passed on to another lane. */
  pass(topic: InputTopic, recordAt: EpochMs, refused: boolean): void {
    const { clocks, counts } = this.state;
    if (topic !== 'customer-mail' && recordAt > clocks[topic]) clocks[topic] = recordAt;
    if (refused) counts.refused++;
  }

  /** Snapshots of everybody at `until` and before: what arrived by then has been taken. */
  snapshotsThrough(until: EpochMs): void {
    for (const track of this.state.tracks.values()) this.snapshotBefore(track, until + 1);
  }

  /** Snapshots up to the end of the range: the state is what the next day goes on from, also of a longer range. */
  close(): FoldState {
    this.snapshotsThrough(this.range.endAt);
    return this.state;
  }

  /** After the last record: the snapshots up to the end of the range, and what they earned. */
  finish(): Snapshots {
    const { tracks, snapshots } = this.close();
    for (const { rows, customer } of tracks.values()) noteRevenue(rows, customer.facts, LTV_HORIZON_MS);
    return snapshots;
  }

  /**
   * After `finish`, the last call: customers who train nothing, as they are at the end of the range, silent or busy. Those
   * first seen too late for a model are left out, as in training.
   */
  latest(): Snapshots {
    const { endAt } = this.range;
    const latest = new Snapshots();
    for (const { customer } of this.state.tracks.values()) {
      if (!isValidationCustomer(customer.id)) continue;
      this.tick(customer, endAt);
      const { id, facts } = customer;
      if (facts.firstSeenAt <= endAt - TENURE_MS) latest.add(id, facts, endAt);
    }
    return latest;
  }

  private apply(input: CustomerInput, arrivedAt: EpochMs): void {
    const track = this.trackOf(input.customerId, arrivedAt);
    this.snapshotBefore(track, arrivedAt);
    // Whoever was silent for long enough comes back as somebody new, as in the stream.
    if (input.customerId.startsWith(ANONYMOUS_PREFIX)) this.tick(track.customer, arrivedAt - 1);
    if (input.kind === 'activity' || (input.kind === 'order' && input.action === 'completed'))
      noteActivity(track.rows, input.eventAt);
    if (input.kind === 'erase') for (const row of track.rows) row.erased = true;
    this.foldOne(track.customer, input);
  }

  private trackOf(customerId: CustomerId, arrivedAt: EpochMs): Track {
    const { tracks } = this.state;
    let track = tracks.get(customerId);
    if (track === undefined) {
      const nextSnapshotAt = firstSnapshot(customerId, this.range, arrivedAt);
      track = { customer: newCustomer(customerId), nextSnapshotAt, rows: [] };
      tracks.set(customerId, track);
    }
    return track;
  }

  /** Snapshots of a customer that lie before `until`. */
  private snapshotBefore(track: Track, until: EpochMs): void {
    for (; track.nextSnapshotAt < until; track.nextSnapshotAt = nextSnapshot(track.nextSnapshotAt)) {
      const at = track.nextSnapshotAt;
      this.tick(track.customer, at);
      const { id, facts } = track.customer;
      if (facts.firstSeenAt <= at) track.rows.push(this.state.snapshots.add(id, facts, at));
    }
  }

  /** As the scheduler would have done by then: closes sessions and forgets silent anonymous customers. */
  private tick(customer: Customer, at: EpochMs): void {
    if (this.kind === 'stream') return;
    const wake = nextWake(customer, DEFAULT_SETTINGS);
    if (wake === NEVER || wake > at) return;
    const source: InputSource = {
      topic: 'customer-commands',
      partition: 0,
      offset: this.counts.inputs,
      index: 0,
    };
    const head = { customerId: customer.id, recordAt: at, source, mailedFrom: null };
    this.foldOne(customer, { kind: 'tick', ...head, dueAt: at });
  }

  private foldOne(customer: Customer, input: CustomerInput): void {
    const { effects } = this;
    effects.length = 0;
    fold(customer, input, this.state.clocks, DEFAULT_SETTINGS, effects);
    if (effects.length > 0 && this.kind === 'raw')
      for (const effect of effects.splice(0)) this.deliver(effect, input);
  }

  /** What one customer does to another arrives at once here; between live lanes it takes milliseconds. */
  private deliver(effect: Effect, { recordAt, source }: CustomerInput): void {
    if (effect.kind !== 'mail') return;
    this.counts.received++;
    const { to, name, eventAt, ratingHundredths } = effect;
    const mailedFrom = { ...source, recordAt };
    const received = { customerId: to, recordAt, source, mailedFrom, name, eventAt, ratingHundredths };
    this.apply({ kind: 'received', ...received }, recordAt);
  }
}
