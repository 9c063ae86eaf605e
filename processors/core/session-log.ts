/**
 * Closing sessions. A session is closed, and published, by a tick at its end + gap + grace. When a later arrival
 * changes it within two days of its end it is published again with a higher revision, superseding what it united.
 */
import type { CustomerId, EpochMs, Session } from '../../schemas';
import { NEVER } from '../../schemas';
import { HORIZON, SPAN } from './facts';
import type { Customer, CustomerFacts } from './facts';
import type { PublishedSession, ScoreLedger } from './ledger';
import { REMEMBERED_MS, SESSION_GAP_MS } from './sessions';
import type { CoreSettings, Effect } from './types';

/** Customer id and start. */
export const sessionId = (customerId: CustomerId, start: EpochMs): string => `${customerId}:${start}`;

const isClosedAt = (end: EpochMs, asOf: EpochMs, settings: CoreSettings): boolean =>
  end + SESSION_GAP_MS + settings.sessionGraceMs <= asOf;

const publishedInside = (ledger: ScoreLedger, start: EpochMs, end: EpochMs): PublishedSession[] =>
  ledger.sessions.filter(session => session.start >= start && session.start <= end);

/** End of the session that holds a published one by now: it may have grown, or be open again. */
function holderEnd({ sessions }: CustomerFacts, { start, end }: PublishedSession): EpochMs {
  const row = sessions.lowerBound(start + 1) - 1;
  return row < 0 ? end : Math.max(end, sessions.at(row, SPAN.end));
}

/** Does the span need to be published, now that it is closed at `asOf`? */
function isUnsettled(facts: CustomerFacts, row: number, ledger: ScoreLedger, asOf: EpochMs): boolean {
  const start = facts.sessions.at(row, SPAN.start);
  const end = facts.sessions.at(row, SPAN.end);
  const inside = publishedInside(ledger, start, end);
  // Never said, whatever the delay: an outage of days must not swallow sessions.
  if (inside.length === 0 && end > ledger.settledThrough) return true;
  if (end < asOf - HORIZON.pagesMs) return false;
  const [only] = inside;
  const unchanged =
    inside.length === 1 &&
    only!.start === start &&
    only!.end === end &&
    only!.events === facts.sessions.at(row, SPAN.events);
  return !unchanged;
}

/** Earliest instant at which a session is to be closed; `NEVER` when all are settled. May lie in the past. */
export function nextSessionClose(facts: CustomerFacts, ledger: ScoreLedger, settings: CoreSettings): EpochMs {
  const { sessions } = facts;
  let wake: EpochMs = NEVER;
  for (let row = sessions.rows - 1; row >= 0; row--) {
    const end = sessions.at(row, SPAN.end);
    if (end <= ledger.settledThrough && end < facts.clock - HORIZON.pagesMs) break;
    if (isUnsettled(facts, row, ledger, facts.clock))
      wake = Math.min(wake, end + SESSION_GAP_MS + settings.sessionGraceMs);
  }
  return wake;
}

/** Publishes what is closed at `asOf` and was not said yet. */
export function closeSessions(
  customer: Customer,
  asOf: EpochMs,
  settings: CoreSettings,
  effects: Effect[],
): void {
  const { facts, ledger } = customer;
  for (let row = 0; row < facts.sessions.rows; row++) {
    const end = facts.sessions.at(row, SPAN.end);
    if (!isClosedAt(end, asOf, settings) || !isUnsettled(facts, row, ledger, asOf)) continue;
    effects.push({ kind: 'session', session: publish(customer, row) });
  }
  ledger.settledThrough = Math.max(ledger.settledThrough, asOf - SESSION_GAP_MS - settings.sessionGraceMs);
  if (ledger.sessions.length > 0)
    ledger.sessions = ledger.sessions.filter(session => holderEnd(facts, session) >= asOf - REMEMBERED_MS);
}

function publish(customer: Customer, row: number): Session {
  const { facts, ledger, id } = customer;
  const { sessions } = facts;
  const startAt = sessions.at(row, SPAN.start);
  const endAt = sessions.at(row, SPAN.end);
  const inside = publishedInside(ledger, startAt, endAt);
  const revision = 1 + inside.reduce((largest, session) => Math.max(largest, session.revision), 0);
  ledger.sessions = ledger.sessions.filter(session => !inside.includes(session));
  ledger.sessions.push({ start: startAt, end: endAt, events: sessions.at(row, SPAN.events), revision });
  const pages = facts.pages.find(candidate => candidate.start === startAt);
  return {
    customerId: id,
    sessionId: sessionId(id, startAt),
    startAt,
    endAt,
    events: sessions.at(row, SPAN.events),
    pageViews: sessions.at(row, SPAN.pageViews),
    productViews: sessions.at(row, SPAN.productViews),
    cartAdds: sessions.at(row, SPAN.cartAdds),
    checkouts: sessions.at(row, SPAN.checkouts),
    entryPage: pages?.entry ?? null,
    exitPage: pages?.exit ?? null,
    revision,
    supersedes: inside
      .filter(session => session.start !== startAt)
      .map(session => sessionId(id, session.start)),
  };
}
