/**
 * The fold: one input into one customer. `fold` changes a customer that the caller owns; `advance` is the same
 * with a promise not to.
 */
import type { EpochMs, LateFor } from '../../schemas';
import { dayOf } from '../../schemas';
import { ACTOR, TARGET, addActor, addReceived } from './activity';
import { cutText } from './bytes';
import { dropAt, nextWake, validUntil } from './change';
import { dayRow, markActive, trimDays } from './days';
import { LIMIT, copyFacts, newFacts } from './facts';
import type { Customer, CustomerFacts } from './facts';
import { hash64, hashHex, hashVector } from './hash';
import type { Hash64 } from './hash';
import { copyLedger, ledgerWake, newLedger } from './ledger';
import { applyOrder } from './orders';
import { applyAttributes, applyProfile } from './profile';
import { idSourceOf, isDuplicate, remember, trimRecentIds } from './recent-ids';
import { closeSessions } from './session-log';
import { addToSessions, trimSessions } from './sessions';
import { summarise } from './summary';
import type {
  ActivityInput,
  CoreSettings,
  CustomerInput,
  Effect,
  Evaluation,
  MessageInput,
  OrderInput,
  Outcome,
  ReceivedInput,
  TickInput,
  TopicClocks,
} from './types';
import { VECTOR_WIDTH, writeFeatures } from './vector';
import { markWeek, trimWeeks } from './weeks';
import { widenAge } from './calendar';

const APPLIED: Outcome = Object.freeze({ kind: 'applied' });
const DUPLICATE: Outcome = Object.freeze({ kind: 'duplicate' });
const IGNORED: Outcome = Object.freeze({ kind: 'ignored' });

/** Folds one input in place. Effects are appended in the order in which they happened. */
export function fold(
  customer: Customer,
  input: CustomerInput,
  clocks: TopicClocks,
  settings: CoreSettings,
  effects: Effect[],
): Outcome {
  const { facts } = customer;
  if (input.recordAt <= facts.erasedAt) return IGNORED;
  switch (input.kind) {
    case 'erase':
      return erase(customer, input.recordAt, effects);
    case 'tick':
      return tick(customer, input, clocks, settings, effects);
    case 'rescore':
      return APPLIED;
    case 'activity':
    case 'order':
    case 'profile':
      return message(customer, input, clocks, effects);
    case 'attributes':
      moveClock(customer, input.recordAt, clocks);
      applyAttributes(facts, input);
      return APPLIED;
    case 'received':
      moveClock(customer, input.recordAt, clocks);
      return received(facts, input, effects);
  }
}

/** The fold without its side effect: `customer` stays as it was. */
export function advance(
  customer: Customer,
  input: CustomerInput,
  clocks: TopicClocks,
  settings: CoreSettings,
): { customer: Customer; effects: Effect[]; outcome: Outcome } {
  const next: Customer = {
    id: customer.id,
    facts: copyFacts(customer.facts),
    ledger: copyLedger(customer.ledger),
  };
  const effects: Effect[] = [];
  const outcome = fold(next, input, clocks, settings, effects);
  return { customer: next, effects, outcome };
}

/** The clock only trims: what no vector at or after it can show is forgotten. */
function moveClock(customer: Customer, to: EpochMs, clocks: TopicClocks): void {
  const { facts, ledger } = customer;
  if (to > facts.clock) {
    const newDay = dayOf(to) !== dayOf(facts.clock);
    facts.clock = to;
    if (newDay) trimDays(facts);
    if (newDay) trimWeeks(facts);
    trimSessions(facts, ledger.settledThrough);
  }
  trimRecentIds(facts, clocks);
}

function message(customer: Customer, input: MessageInput, clocks: TopicClocks, effects: Effect[]): Outcome {
  const { facts } = customer;
  const id = hash64(input.messageId);
  const source = idSourceOf(input);
  if (isDuplicate(facts, source, id, input.recordAt)) return DUPLICATE;
  moveClock(customer, input.recordAt, clocks);
  remember(facts, source, id, input.recordAt);
  facts.firstSeenAt = Math.min(facts.firstSeenAt, input.eventAt);
  if (input.kind === 'profile') {
    applyProfile(facts, input, id);
    return APPLIED;
  }
  const lateFor = input.kind === 'activity' ? activity(customer, input, effects) : order(facts, input, id);
  return lateFor === null ? APPLIED : late(facts, input, lateFor, effects);
}

/** Own activity: recency, active days and hours; the row of its day, -1 when the day is gone. */
function ownActivity(facts: CustomerFacts, eventAt: EpochMs): number {
  facts.lastOwnActivityAt = Math.max(facts.lastOwnActivityAt, eventAt);
  const day = dayOf(eventAt);
  markWeek(facts, day);
  const row = dayRow(facts, day);
  if (row >= 0) markActive(facts, row, eventAt);
  return row;
}

function activity(customer: Customer, input: ActivityInput, effects: Effect[]): LateFor | null {
  const { facts } = customer;
  const dayAt = ownActivity(facts, input.eventAt);
  const page =
    ACTOR[input.name] !== undefined && input.page !== null ? cutText(input.page, LIMIT.textBytes) : null;
  const spanAt = addToSessions(facts, input.eventAt, page);
  addActor(facts, input, dayAt, spanAt);
  const { targetUserId } = input;
  if (targetUserId !== null && targetUserId !== customer.id && TARGET[input.name] !== undefined)
    effects.push({
      kind: 'mail',
      to: targetUserId,
      name: input.name,
      eventAt: input.eventAt,
      ratingHundredths: input.ratingHundredths,
    });
  if (dayAt < 0) return 'days';
  return spanAt < 0 ? 'sessions' : null;
}

function order(facts: CustomerFacts, input: OrderInput, id: Hash64): LateFor | null {
  const dayAt = input.action === 'completed' ? ownActivity(facts, input.eventAt) : 0;
  if (!applyOrder(facts, input, id)) return 'foldedOrder';
  return dayAt < 0 ? 'days' : null;
}

function received(facts: CustomerFacts, input: ReceivedInput, effects: Effect[]): Outcome {
  facts.firstSeenAt = Math.min(facts.firstSeenAt, input.eventAt);
  const dayAt = dayRow(facts, dayOf(input.eventAt));
  addReceived(facts, input.name, input.ratingHundredths, dayAt);
  return dayAt < 0 ? late(facts, { ...input, messageId: '' }, 'days', effects) : APPLIED;
}

function late(
  facts: CustomerFacts,
  input: { eventAt: EpochMs; messageId: string } & ({ name: string } | { action: string }),
  lateFor: LateFor,
  effects: Effect[],
): Outcome {
  const lateByMs = facts.clock - input.eventAt;
  const name = 'name' in input ? input.name : `Order ${input.action}`;
  effects.push({ kind: 'late', name, messageId: input.messageId, eventAt: input.eventAt, lateFor, lateByMs });
  return { kind: 'appliedLate', lateFor, lateByMs };
}

/** As-of of a tick: the later of its due instant, its record timestamp and what the customer has seen. */
function tick(
  customer: Customer,
  input: TickInput,
  clocks: TopicClocks,
  settings: CoreSettings,
  effects: Effect[],
): Outcome {
  const { facts } = customer;
  // A tick for somebody who is not held is a stale hint: it makes no customer.
  if (facts.clock === -Infinity) return IGNORED;
  const asOf = Math.max(input.dueAt, input.recordAt, facts.clock);
  // Due entries are hints: a repeated or stale tick changes nothing.
  if (nextWake(customer, settings) > asOf) return DUPLICATE;
  closeSessions(customer, asOf, settings, effects);
  if (asOf >= dropAt(customer)) {
    effects.push({ kind: 'dropped', at: asOf });
    customer.facts = newFacts();
    customer.ledger = newLedger();
    return APPLIED;
  }
  moveClock(customer, asOf, clocks);
  return APPLIED;
}

/** Only the marker is left: what came before is ignored for ever, and the sequence goes on. */
function erase(customer: Customer, at: EpochMs, effects: Effect[]): Outcome {
  const { epoch, sequence } = customer.ledger;
  customer.facts = { ...newFacts(), erasedAt: at };
  customer.ledger = { ...newLedger(), epoch, sequence };
  effects.push({ kind: 'erased', at });
  return APPLIED;
}

/** As-of of an evaluation now: the newest record timestamp or tick that the customer has seen. */
export const asOfOf = (customer: Customer): EpochMs => customer.facts.clock;

/**
 * Would an evaluation at `asOf` say anything that the one at `since` did not, if no input came between? Ticks that
 * only close a session need no models.
 */
export const isStaleSince = (
  customer: Customer,
  since: EpochMs,
  asOf: EpochMs,
  settings: CoreSettings,
): boolean => validUntil(customer.facts, since) <= asOf || ledgerWake(customer.ledger, settings) <= asOf;

/** Writes the vector at `at` and takes the facts that scores and alerts need beside it. */
export function evaluate(
  customer: Customer,
  asOf: EpochMs,
  cause: Evaluation['cause'],
  out: Float32Array,
  at: number,
): Evaluation {
  const { facts } = customer;
  const summary = summarise(facts, asOf);
  writeFeatures(summary, out, at);
  const { orders } = summary;
  return {
    customerId: customer.id,
    asOf,
    validUntil: validUntil(facts, asOf),
    cause,
    lastOwnActivityAt: facts.lastOwnActivityAt === -Infinity ? null : facts.lastOwnActivityAt,
    orders: orders.count,
    revenueMinor: orders.netMinor,
    daysSinceLastOrder: orders.count === 0 ? null : widenAge(dayOf(asOf) - orders.lastDay),
    sessionsLast30Days: summary.sessions30,
    vectorHash: hashHex(hashVector(out, at, VECTOR_WIDTH)),
  };
}

/** Does the customer hold anything that can be scored? Not a newcomer, not an erased one. */
export const isHeld = (customer: Customer): boolean => customer.facts.clock > -Infinity;
