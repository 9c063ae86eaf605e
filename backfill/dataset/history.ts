/**
 * A history through the real core, once, in the order of its record timestamps. A snapshot at T is taken just
 * before the first record after T, so it knows only what had arrived by T; what comes later becomes its label.
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
import { LABEL_PLANS, firstSnapshot, nextSnapshot } from './plan';
import type { ArchiveRange } from './plan';
import { Snapshots, noteActivity, noteRevenue } from './snapshots';
import type { SnapshotRow } from './snapshots';

export type HistoryRecord = {
  [T in InputTopic]: { topic: T; recordAt: EpochMs; value: WireInputs[T] };
}[InputTopic];

interface Track {
  customer: Customer;
  nextSnapshotAt: EpochMs;
  rows: SnapshotRow[];
}

const LTV_HORIZON_MS = LABEL_PLANS.find(({ name }) => name === 'ltv')!.horizonMs;

export class HistoryFold {
  readonly snapshots = new Snapshots();
  /** Inputs by what became of them. */
  readonly counts = { inputs: 0, refused: 0, received: 0 };
  private readonly tracks = new Map<CustomerId, Track>();
  private readonly clocks: Record<InputTopic, EpochMs> = {
    'web-events': -Infinity,
    orders: -Infinity,
    customers: -Infinity,
    'customer-commands': -Infinity,
    'customer-mail': -Infinity,
  };
  private newest: EpochMs = -Infinity;
  private readonly effects: Effect[] = [];

  constructor(
    private readonly range: ArchiveRange,
    private readonly rules: InputRules = DEFAULT_RULES,
  ) {}

  get customers(): number {
    return this.tracks.size;
  }

  /** Throws `RangeError` for a record from before the one that came last. */
  take(record: HistoryRecord): void {
    if (record.recordAt < this.newest)
      throw new RangeError('Records must come in the order of their record timestamps.');
    this.newest = this.clocks[record.topic] = record.recordAt;
    const source = { topic: record.topic, partition: 0, offset: this.counts.inputs++, index: 0 };
    const place = { recordAt: record.recordAt, source, mailedFrom: null };
    const reading = readInput(record.topic, record.value, place, this.rules);
    if (reading.ok) this.apply(reading.input);
    else this.counts.refused++;
  }

  /** After the last record: the snapshots up to the end of the archive, and what they earned. */
  finish(): Snapshots {
    for (const track of this.tracks.values()) {
      this.snapshotBefore(track, this.range.endAt + 1);
      noteRevenue(track.rows, track.customer.facts, LTV_HORIZON_MS);
    }
    return this.snapshots;
  }

  private apply(input: CustomerInput): void {
    const track = this.trackOf(input);
    this.snapshotBefore(track, input.recordAt);
    // Whoever was silent for long enough comes back as somebody new, as in the stream.
    if (input.customerId.startsWith(ANONYMOUS_PREFIX)) this.tick(track.customer, input.recordAt - 1);
    if (input.kind === 'activity' || (input.kind === 'order' && input.action === 'completed'))
      noteActivity(track.rows, input.eventAt);
    if (input.kind === 'erase') for (const row of track.rows) row.erased = true;
    this.foldOne(track.customer, input);
  }

  private trackOf({ customerId, recordAt }: CustomerInput): Track {
    let track = this.tracks.get(customerId);
    if (track === undefined) {
      const nextSnapshotAt = firstSnapshot(customerId, this.range, recordAt);
      track = { customer: newCustomer(customerId), nextSnapshotAt, rows: [] };
      this.tracks.set(customerId, track);
    }
    return track;
  }

  /** Snapshots of a customer that lie before `until`. */
  private snapshotBefore(track: Track, until: EpochMs): void {
    for (; track.nextSnapshotAt < until; track.nextSnapshotAt = nextSnapshot(track.nextSnapshotAt)) {
      const at = track.nextSnapshotAt;
      this.tick(track.customer, at);
      const { id, facts } = track.customer;
      if (facts.firstSeenAt <= at) track.rows.push(this.snapshots.add(id, facts, at));
    }
  }

  /** As the scheduler would have done by then: closes sessions and forgets silent anonymous customers. */
  private tick(customer: Customer, at: EpochMs): void {
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
    fold(customer, input, this.clocks, DEFAULT_SETTINGS, effects);
    if (effects.length > 0) for (const effect of effects.splice(0)) this.deliver(effect, input);
  }

  /** What one customer does to another arrives at once here; between live lanes it takes milliseconds. */
  private deliver(effect: Effect, { recordAt, source }: CustomerInput): void {
    if (effect.kind !== 'mail') return;
    this.counts.received++;
    const { to, name, eventAt, ratingHundredths } = effect;
    const mailedFrom = { ...source, recordAt };
    this.apply({
      kind: 'received',
      customerId: to,
      recordAt,
      source,
      mailedFrom,
      name,
      eventAt,
      ratingHundredths,
    });
  }
}
