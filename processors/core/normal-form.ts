/**
 * Facts in normal form: what two histories of the same inputs must agree on. No clock; sessions that start within
 * the last 34 days, pages of the last two; days and weeks within their horizon; ids that the topic clocks still reach.
 */
import type { EpochMs } from '../../schemas';
import { DAY_MS, dayOf } from '../../schemas';
import { DAY, HORIZON, RECENT, SPAN, WEEK } from './facts';
import type { CustomerFacts } from './facts';
import { ID_SOURCES } from './recent-ids';
import type { TopicClocks } from './types';
import { weekOf } from './weeks';

/** One day less than the horizon: a span that straddles it may differ at its old end. */
const SETTLED_SPANS_MS = HORIZON.sessionsMs - DAY_MS;

/** Canonical JSON, comparable as text. */
export function normalForm(facts: CustomerFacts, asOf: EpochMs, clocks: TopicClocks): string {
  const sessions = facts.sessions.toRows().filter(row => row[SPAN.start]! >= asOf - SETTLED_SPANS_MS);
  const pages = facts.pages
    .filter(page => page.start >= asOf - HORIZON.pagesMs)
    .map(({ start, entryAt, entry, exitAt, exit }) => [start, entryAt, entry, exitAt, exit]);
  const days = facts.days
    .toRows()
    .filter(
      row => row[DAY.day]! >= dayOf(asOf) - HORIZON.days && row.some((cell, at) => at > 0 && cell !== 0),
    );
  const weeks = facts.weeks.toRows().filter(row => row[WEEK.week]! >= weekOf(dayOf(asOf)) - HORIZON.weeks);
  const recentIds = facts.recentIds
    .toRows()
    .filter(row => row[RECENT.recordAt]! >= clocks[ID_SOURCES[row[RECENT.source]!]!] - HORIZON.duplicatesMs);
  const instant = (at: number): number | string => (Number.isFinite(at) ? at : String(at));
  return JSON.stringify({
    firstSeenAt: instant(facts.firstSeenAt),
    lastOwnActivityAt: instant(facts.lastOwnActivityAt),
    erasedAt: instant(facts.erasedAt),
    saturated: facts.saturated,
    life: Array.from(facts.life),
    sessions,
    pages,
    days,
    weeks,
    orders: facts.orders.toRows(),
    refunds: facts.refunds.toRows(),
    recentIds,
    profile: Object.fromEntries(Object.entries(facts.profile).sort(([a], [b]) => (a < b ? -1 : 1))),
    attributes: facts.attributes,
  });
}
