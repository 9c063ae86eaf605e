/**
 * Rescoring of everybody after a promotion: finds the customers whose newest score is of other models than those that
 * score now, and appends a `rescore` command for each, at a rate. What is done is told by the ledgers, so that a new
 * owner of the lane goes on, customers who were active meanwhile are left out, and after a rollback the same path brings
 * those back whom the withdrawn model had scored.
 *
 * It waits while a model is on trial, while the lane is behind its topics (a rescore is as of now: events that are
 * still unread would be missing), and while the lane's own commands wait.
 */
import type { CustomerId, EpochMs } from '../../schemas';
import { MINUTE_MS, SECOND_MS } from '../../schemas';
import { CorruptStateError, decodeCustomer, isHeld, modelsKey } from '../core';
import type { ScoringConstants } from '../core';
import type { ScheduledLane, SchedulerPorts } from './scheduler';

export interface RescorerOptions {
  lane: ScheduledLane;
  ports: SchedulerPorts;
  /** Most customers a second; 0: nobody is rescored for new models. */
  perSecond: number;
  /** Of the models that everybody is to be scored by; null: not known yet. */
  wanted: () => ScoringConstants | null;
}

export interface RescorerMetrics {
  /** Customers whose newest score is of other models, as far as they were counted. */
  left: number;
  appended: number;
}

const EVERY_MS = SECOND_MS;
/** Customers looked at in a second: reading them is work of the lane too. */
const LOOKS = 250;
const FARTHEST_BEHIND_MS = MINUTE_MS;

const NOTHING = { kind: 'rescore', cause: 'model', dueAt: null } as const;
const NO_ATTRIBUTES = { networkCentrality: null, avgConnectionStrength: null, computedAt: null } as const;

type Phase = 'counting' | 'rescoring' | 'done';

/** Where the walk over all customers is. */
interface Walk {
  mark: string | null;
  isOver: boolean;
}

const freshWalk = (): Walk => ({ mark: null, isOver: false });

export class Rescorer {
  readonly metrics: RescorerMetrics = { left: 0, appended: 0 };
  private lookedAt: EpochMs = -Infinity;
  private key: string | null = null;
  private phase: Phase = 'done';
  private walk = freshWalk();
  /** Of other models, not appended yet: a page may hold more than a second's worth. */
  private found: CustomerId[] = [];

  constructor(private readonly options: RescorerOptions) {}

  /** Call often: looks when it is time. Returns the number of commands appended. */
  async poll(): Promise<number> {
    const { perSecond, wanted, ports } = this.options;
    const now = ports.clock.now();
    if (perSecond === 0 || now - this.lookedAt < EVERY_MS) return 0;
    this.lookedAt = now;
    const constants = wanted();
    if (constants === null) return 0;
    const key = modelsKey(constants);
    if (key !== this.key) this.begin(key);
    if (this.phase === 'done' || (await this.isHeldBack(now))) return 0;
    return this.phase === 'counting' ? this.count(key) : this.rescore(key, now);
  }

  /** The lane was claimed again: another owner may have gone on in between. */
  reset(): void {
    this.key = null;
    this.metrics.left = 0;
  }

  private begin(key: string): void {
    this.key = key;
    this.phase = 'counting';
    this.walk = freshWalk();
    this.found = [];
    this.metrics.left = 0;
  }

  private async isHeldBack(now: EpochMs): Promise<boolean> {
    const { lane, ports, perSecond } = this.options;
    if (lane.readThrough() < now - FARTHEST_BEHIND_MS) return true;
    const ends = await ports.log.ends(lane.partition);
    return ends['customer-commands'] - lane.positions['customer-commands'] > perSecond;
  }

  private async count(key: string): Promise<number> {
    await this.find(key, LOOKS, LOOKS);
    this.metrics.left += this.found.length;
    this.found = [];
    if (!this.walk.isOver) return 0;
    this.walk = freshWalk();
    this.phase = this.metrics.left === 0 ? 'done' : 'rescoring';
    return 0;
  }

  private async rescore(key: string, now: EpochMs): Promise<number> {
    const { lane, ports, perSecond } = this.options;
    await this.find(key, Math.max(LOOKS, perSecond), perSecond);
    const commands = this.found.splice(0, perSecond).map(customerId => ({
      key: customerId,
      recordAt: now,
      value: ports.codec.encodeInput('customer-commands', { customerId, ...NOTHING, ...NO_ATTRIBUTES }),
    }));
    if (commands.length > 0) await ports.log.append('customer-commands', lane.partition, commands);
    this.metrics.appended += commands.length;
    this.metrics.left = Math.max(0, this.metrics.left - commands.length);
    if (!this.walk.isOver || this.found.length > 0) return commands.length;
    this.phase = 'done';
    this.metrics.left = 0;
    return commands.length;
  }

  /** Adds to `found` until `enough` are there, about `looks` were looked at, or everybody was. */
  private async find(key: string, looks: number, enough: number): Promise<void> {
    const { lane, ports } = this.options;
    for (let looked = 0; !this.walk.isOver && looked < looks && this.found.length < enough;) {
      const { customers, next } = await ports.store.walk(
        lane.partition,
        Math.min(looks, enough),
        this.walk.mark,
      );
      this.walk = { mark: next, isOver: next === null };
      for (const { customerId, value } of customers)
        if (isOfOtherModels(customerId, value, key)) this.found.push(customerId);
      // A page may be empty and not the last.
      looked += Math.max(1, customers.length);
    }
  }
}

function isOfOtherModels(id: CustomerId, value: Uint8Array, key: string): boolean {
  try {
    const customer = decodeCustomer(id, value);
    return isHeld(customer) && customer.ledger.newest !== null && customer.ledger.newest.models !== key;
  } catch (error) {
    // The lane says so when it meets the customer; `rescore state check` finds all of them.
    if (error instanceof CorruptStateError) return false;
    throw error;
  }
}
