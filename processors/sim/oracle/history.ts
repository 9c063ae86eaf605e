/** Every input that was ever accepted of one customer: the oracle forgets nothing and keeps no sums. */
import type { EpochMs, InputTopic } from '../../../schemas';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../schemas';
import type {
  ActivityInput,
  AttributesInput,
  CustomerInput,
  MessageInput,
  OrderInput,
  ProfileInput,
  ReceivedInput,
} from '../../core';

export interface OracleSession {
  start: EpochMs;
  end: EpochMs;
  events: number;
  pageViews: number;
  productViews: number;
  cartAdds: number;
  checkouts: number;
  entryPage: string | null;
  exitPage: string | null;
}

const isMessage = (input: CustomerInput): input is MessageInput =>
  input.kind === 'activity' || input.kind === 'order' || input.kind === 'profile';

const sourceOf = ({ mailedFrom, source }: CustomerInput): InputTopic =>
  mailedFrom === null ? source.topic : 'customer-mail';

/** A copy is an input whose message was applied with a record timestamp at most 48 h away, in the same topic. */
export function withoutCopies(inputs: readonly CustomerInput[]): CustomerInput[] {
  const applied: CustomerInput[] = [];
  for (const input of inputs) {
    const isCopy =
      isMessage(input) &&
      applied.some(
        other =>
          isMessage(other) &&
          other.messageId === input.messageId &&
          sourceOf(other) === sourceOf(input) &&
          Math.abs(other.recordAt - input.recordAt) <= 48 * HOUR_MS,
      );
    if (!isCopy) applied.push(input);
  }
  return applied;
}

/** A gap of exactly 30 minutes keeps the session, strictly more starts a new one. */
function sessionsOf(activities: readonly ActivityInput[]): OracleSession[] {
  const sessions: ActivityInput[][] = [];
  for (const activity of [...activities].sort((a, b) => a.eventAt - b.eventAt)) {
    const last = sessions.at(-1);
    if (last === undefined || activity.eventAt - last.at(-1)!.eventAt > 30 * MINUTE_MS)
      sessions.push([activity]);
    else last.push(activity);
  }
  return sessions.map(sessionOf);
}

/** Entry of the earliest, exit of the latest that has a page; at one instant the smallest and the largest text. */
function sessionOf(events: readonly ActivityInput[]): OracleSession {
  const named = (...names: string[]): number => events.filter(({ name }) => names.includes(name)).length;
  const pages = events
    .flatMap(({ eventAt, page }) => (page === null ? [] : [{ eventAt, page }]))
    .sort((a, b) => a.eventAt - b.eventAt || (a.page < b.page ? -1 : 1));
  return {
    start: events[0]!.eventAt,
    end: events.at(-1)!.eventAt,
    events: events.length,
    pageViews: named('page', 'screen'),
    productViews: named('Product Viewed'),
    cartAdds: named('Product Added'),
    checkouts: named('Checkout Started'),
    entryPage: pages[0]?.page ?? null,
    exitPage: pages.at(-1)?.page ?? null,
  };
}

export class OracleHistory {
  readonly activities: ActivityInput[];
  readonly orderMessages: OrderInput[];
  readonly profiles: ProfileInput[];
  readonly received: ReceivedInput[];
  readonly attributes: AttributesInput[];
  readonly sessions: OracleSession[];

  constructor(inputs: readonly CustomerInput[]) {
    const of = <K extends CustomerInput['kind']>(kind: K) =>
      inputs.filter((input): input is Extract<CustomerInput, { kind: K }> => input.kind === kind);
    this.activities = of('activity');
    this.orderMessages = of('order');
    this.profiles = of('profile');
    this.received = of('received');
    this.attributes = of('attributes');
    this.sessions = sessionsOf(this.activities);
  }

  /** Instants of what the customer did. */
  get ownActivity(): EpochMs[] {
    const placed = this.orderMessages.filter(({ action }) => action === 'completed');
    return [...this.activities, ...placed].map(({ eventAt }) => eventAt);
  }

  /** Event times of everything. */
  get seenAt(): EpochMs[] {
    return [...this.activities, ...this.orderMessages, ...this.profiles, ...this.received].map(
      ({ eventAt }) => eventAt,
    );
  }

  /** Of the newest message that says it: by time, then by the 64-bit hash of the id (given), then by value. */
  profile<T>(
    read: (input: ProfileInput) => T | null,
    hashOf: (id: string) => readonly [number, number],
  ): T | null {
    let best: { input: ProfileInput; value: T } | null = null;
    for (const input of this.profiles) {
      const value = read(input);
      if (value === null) continue;
      if (best === null || isNewer(input, value, best.input, best.value, hashOf)) best = { input, value };
    }
    return best?.value ?? null;
  }
}

function isNewer<T>(
  a: ProfileInput,
  aValue: T,
  b: ProfileInput,
  bValue: T,
  hashOf: (id: string) => readonly [number, number],
): boolean {
  const [ah, al] = hashOf(a.messageId);
  const [bh, bl] = hashOf(b.messageId);
  const order = a.eventAt - b.eventAt || ah - bh || al - bl;
  return order > 0 || (order === 0 && aValue > bValue);
}

/** In the as-of's UTC day or the `days` days before it. */
export const isWithin = (at: EpochMs, asOf: EpochMs, days: number): boolean => {
  const back = Math.floor(asOf / DAY_MS) - Math.floor(at / DAY_MS);
  return back >= 0 && back <= days;
};
