/** Sessions, as they are held and as they are published. */
import { DAY_MS, MINUTE_MS } from '../../../schemas';
import type { Customer } from '../../core';
import { SPAN } from '../../core/facts';
import { OracleHistory } from '../oracle';
import type { OracleSession } from '../oracle';
import { foldAll } from './folding';
import type { Core, PublishedSession } from './folding';
import type { History } from './histories';

const countsOf = (session: Omit<OracleSession, 'entryPage' | 'exitPage'>): string =>
  [
    session.start,
    session.end,
    session.events,
    session.pageViews,
    session.productViews,
    session.cartAdds,
    session.checkouts,
  ].join(' ');

/** Spans of the last 34 days are the sessions that the gap makes of all own events: a partition of them. */
export function sessionLaw(
  { inputs, asOf }: Pick<History, 'inputs' | 'asOf'>,
  { facts }: Customer,
): string | null {
  const from = asOf - 34 * DAY_MS;
  const spans = facts.sessions.toRows().filter(row => row[SPAN.start]! >= from);
  const sessions = new OracleHistory(inputs).sessions.filter(({ start }) => start >= from);
  const found = spans.map(row => row.join(' ')).join('; ');
  const expected = sessions.map(countsOf).join('; ');
  return found === expected ? null : `sessions are ${found}; the gap law makes ${expected}`;
}

const REPUBLISHED_MS = 2 * DAY_MS;
const CLOSED_AFTER_MS = 40 * MINUTE_MS;

/** When nothing is heard of later than two days, what stands in the topic at the end is every session, as it was. */
export function publishedSessionsLaw(core: Core, { inputs, cuts }: History): string | null {
  const isPunctual = inputs.every(
    input => input.kind !== 'activity' || input.recordAt - input.eventAt <= REPUBLISHED_MS,
  );
  if (!isPunctual) return null;
  const newest = Math.max(...inputs.map(({ recordAt }) => recordAt));
  const { sessions } = foldAll(core, inputs, { cuts, ticksUntil: newest + DAY_MS });
  const standing = new Map<string, PublishedSession>();
  for (const session of sessions) {
    const broken = publish(session, standing);
    if (broken !== null) return broken;
  }
  const line = ({ entryPage, exitPage, ...rest }: OracleSession): string =>
    `${countsOf(rest)} ${entryPage} ${exitPage}`;
  const found = [...standing.values()]
    .sort((a, b) => a.startAt - b.startAt)
    .map(session => line({ ...session, start: session.startAt, end: session.endAt }))
    .join('; ');
  const expected = new OracleHistory(inputs).sessions.map(line).join('; ');
  return found === expected ? null : `published are ${found}; the sessions were ${expected}`;
}

/** What a consumer makes of one publication; null when it keeps the rules. */
function publish(session: PublishedSession, standing: Map<string, PublishedSession>): string | null {
  const { sessionId, revision, supersedes, startAt, endAt, publishedAt } = session;
  if (publishedAt < endAt + CLOSED_AFTER_MS) return `${sessionId} was published while it was open`;
  const inside = [...standing.values()].filter(other => other.startAt >= startAt && other.startAt <= endAt);
  const largest = Math.max(0, ...inside.map(other => other.revision));
  if (revision !== largest + 1) return `${sessionId} has revision ${revision} after ${largest}`;
  const united = inside.filter(other => other.startAt !== startAt).map(other => other.sessionId);
  if (united.sort().join() !== [...supersedes].sort().join())
    return `${sessionId} supersedes ${supersedes.join()}, not ${united.join()}`;
  for (const other of united) standing.delete(other);
  standing.set(sessionId, session);
  return null;
}
