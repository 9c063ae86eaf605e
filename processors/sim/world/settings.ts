/** What a synthetic world is made of. Every share is a probability, every rate has its unit in its name. */
import type { EpochMs } from '../../../schemas';

export interface WorldSettings {
  seed: number;
  customers: number;
  startAt: EpochMs;
  days: number;
  /** Of the events: arrive minutes to days after they happened. */
  lateShare: number;
  /** Of the events: arrive a second time within 40 hours. */
  duplicateShare: number;
  /** Of the customers: also act towards each other. */
  socialShare: number;
  /** Of the customers: nobody knows who they are, and they never order. */
  anonymousShare: number;
  /** Of the customers: sign up while the world runs. */
  newcomerShare: number;
  /** Of the sessions: on a telephone or tablet. */
  mobileShare: number;
  /** Of the orders. */
  refundShare: number;
  cancelShare: number;
  /** Multiplies everybody's rate of sessions. */
  activityScale: number;
}

export const DEFAULT_WORLD: WorldSettings = {
  seed: 1,
  customers: 2_000,
  startAt: Date.UTC(2026, 0, 1),
  days: 120,
  lateShare: 0.01,
  duplicateShare: 0.01,
  socialShare: 0.25,
  anonymousShare: 0.05,
  newcomerShare: 0.4,
  mobileShare: 0.45,
  refundShare: 0.05,
  cancelShare: 0.03,
  activityScale: 1,
};
