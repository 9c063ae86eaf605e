/** How far back each part of the facts goes: what came too late is said, what is too old is gone. */
import type { EpochMs } from '../../../schemas';
import { DAY_MS, HOUR_MS } from '../../../schemas';
import type { CustomerInput } from '../../core';
import { DAY, RECENT, SPAN, WEEK } from '../../core/facts';
import { ID_SOURCES } from '../../core/recent-ids';
import { OracleHistory, withoutCopies } from '../oracle';
import { weeksBack } from '../oracle/calendar';
import type { Folded } from './folding';

const DAYS_KEPT = 93;
const WEEKS_KEPT = 53;
const SESSIONS_KEPT_MS = 35 * DAY_MS;
const IDS_KEPT_MS = 48 * HOUR_MS;

const dayOf = (at: EpochMs): number => Math.floor(at / DAY_MS);

/** Every input ends as the oracle says: applied, applied late for its day or its session, or a duplicate. */
export function outcomeLaw(inputs: readonly CustomerInput[], { outcomes }: Folded): string | null {
  const applied = new Set(withoutCopies(inputs));
  const before: CustomerInput[] = [];
  let clock = -Infinity;
  for (const [index, input] of inputs.entries()) {
    let expected = 'duplicate';
    if (applied.has(input)) {
      before.push(input);
      clock = Math.max(clock, input.recordAt);
      expected = lateFor(input, before, clock) ?? 'applied';
    }
    const outcome = outcomes[index]!;
    const found = outcome.kind === 'appliedLate' ? outcome.lateFor : outcome.kind;
    if (found !== expected) return `outcome of input ${index} is ${found}, the oracle says ${expected}`;
  }
  return null;
}

function lateFor(input: CustomerInput, before: readonly CustomerInput[], clock: EpochMs): string | null {
  const countsInADay =
    input.kind === 'activity' ||
    input.kind === 'received' ||
    (input.kind === 'order' && input.action === 'completed');
  if (!countsInADay) return null;
  const { eventAt } = input;
  if (dayOf(eventAt) < dayOf(clock) - DAYS_KEPT) return 'days';
  if (input.kind !== 'activity' || eventAt >= clock - SESSIONS_KEPT_MS) return null;
  const session = new OracleHistory(before).sessions.find(
    ({ start, end }) => start <= eventAt && eventAt <= end,
  )!;
  return session.end < clock - SESSIONS_KEPT_MS ? 'sessions' : null;
}

/** The clock is the newest record timestamp, and nothing is held beyond its horizon. */
export function horizonLaw(inputs: readonly CustomerInput[], { customer, clocks }: Folded): string | null {
  const { facts } = customer;
  const clock = Math.max(...inputs.map(({ recordAt }) => recordAt));
  if (facts.clock !== clock) return `the clock is ${facts.clock}, the newest record timestamp ${clock}`;
  if (facts.days.toRows().some(row => row[DAY.day]! < dayOf(clock) - DAYS_KEPT)) return 'a day is too old';
  const mondayOf = (week: number): number => 7 * week - 3;
  if (facts.weeks.toRows().some(row => weeksBack(mondayOf(row[WEEK.week]!), dayOf(clock)) > WEEKS_KEPT))
    return 'a week is too old';
  if (facts.sessions.toRows().some(row => row[SPAN.end]! < clock - SESSIONS_KEPT_MS))
    return 'a session is too old';
  for (const row of facts.recentIds.toRows())
    if (row[RECENT.recordAt]! < clocks[ID_SOURCES[row[RECENT.source]!]!] - IDS_KEPT_MS)
      return 'a message id is too old';
  return null;
}
