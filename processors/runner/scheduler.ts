/**
 * The scheduler of a live lane: turns due entries into tick commands in the log. Two gates: no tick overtakes data
 * of its own lane that is still unread, and midnight does not flood the lane (a rate, and a pause while the lane's
 * own commands wait).
 */
import type { EpochMs } from '../../schemas';
import { SECOND_MS } from '../../schemas';
import type { Clock, DueEntry, EventLog, StateStore, WireCodec } from '../ports';
import { tickCommand } from './replay-driver';

export interface SchedulerSettings {
  /** How often the due index is looked at, ms. */
  everyMs: number;
  /** Most ticks a second. */
  ticksPerSecond: number;
  /** Ticks of the lane that may wait in the log before no more are appended. */
  maxWaiting: number;
}

export const DEFAULT_SCHEDULER_SETTINGS: SchedulerSettings = {
  everyMs: SECOND_MS,
  ticksPerSecond: 5_000,
  maxWaiting: 5_000,
};

export interface SchedulerPorts {
  log: EventLog;
  store: StateStore;
  codec: WireCodec;
  clock: Clock;
}

/** What the scheduler asks of its lane. */
export interface ScheduledLane {
  readonly partition: number;
  readonly positions: { readonly 'customer-commands': number };
  /** Every record of the lane before this instant was taken. */
  readThrough(): EpochMs;
}

export interface SchedulerMetrics {
  ticks: number;
  /** Age of the oldest due entry at the last look, ms; 0 when nothing was due. */
  delayMs: number;
  /** Looks at which unread data or waiting commands held ticks back. */
  heldBack: number;
}

export class Scheduler {
  readonly metrics: SchedulerMetrics = { ticks: 0, delayMs: 0, heldBack: 0 };
  private readonly settings: SchedulerSettings;
  /** The last entry that a tick was appended for: it stays in the index until the lane has folded the tick. */
  private cursor: DueEntry | undefined;
  private lookedAt: EpochMs = -Infinity;
  private allowance = 0;

  constructor(
    private readonly lane: ScheduledLane,
    private readonly ports: SchedulerPorts,
    settings: Partial<SchedulerSettings> = {},
  ) {
    this.settings = { ...DEFAULT_SCHEDULER_SETTINGS, ...settings };
  }

  /** Call often: looks when it is time. Returns the number of ticks appended. */
  async poll(): Promise<number> {
    const now = this.ports.clock.now();
    if (now - this.lookedAt < this.settings.everyMs) return 0;
    this.replenish(now);
    const { partition, positions } = this.lane;
    const ends = await this.ports.log.ends(partition);
    const waiting = ends['customer-commands'] - positions['customer-commands'];
    // The lane has folded every tick: what is due from here on is due again.
    if (waiting === 0) this.cursor = undefined;
    const due = await this.dueNow(now);
    this.metrics.delayMs = due.length === 0 ? 0 : Math.max(0, now - due[0]!.dueAt);
    const room = Math.min(Math.floor(this.allowance), this.settings.maxWaiting - waiting);
    const through = this.lane.readThrough();
    const ready = due.filter(({ dueAt }) => dueAt < through).slice(0, Math.max(0, room));
    if (ready.length < due.length) this.metrics.heldBack++;
    await this.append(ready, now);
    return ready.length;
  }

  /** The lane was claimed again: what was appended may be gone with the store's lost writes. */
  reset(): void {
    this.cursor = undefined;
    this.lookedAt = -Infinity;
  }

  private replenish(now: EpochMs): void {
    const { ticksPerSecond, everyMs } = this.settings;
    const perLook = Math.max(1, (ticksPerSecond * everyMs) / SECOND_MS);
    const passed = Number.isFinite(this.lookedAt) ? (now - this.lookedAt) / SECOND_MS : 0;
    this.allowance = Math.min(perLook, this.allowance + ticksPerSecond * passed);
    if (!Number.isFinite(this.lookedAt)) this.allowance = perLook;
    this.lookedAt = now;
  }

  private dueNow(now: EpochMs): Promise<DueEntry[]> {
    const { ticksPerSecond, maxWaiting } = this.settings;
    return this.ports.store.due(this.lane.partition, now, Math.min(ticksPerSecond, maxWaiting), this.cursor);
  }

  private async append(entries: readonly DueEntry[], now: EpochMs): Promise<void> {
    if (entries.length === 0) return;
    const { log, codec } = this.ports;
    const ticks = entries.map(({ customerId, dueAt }) => ({
      key: customerId,
      recordAt: now,
      value: codec.encodeInput('customer-commands', tickCommand(customerId, dueAt)),
    }));
    await log.append('customer-commands', this.lane.partition, ticks);
    this.cursor = entries[entries.length - 1];
    this.allowance -= entries.length;
    this.metrics.ticks += entries.length;
  }
}
