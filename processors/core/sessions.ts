/**
 * Sessions by inactivity gap. A span is the union of events whose distance is at most the gap; spans never
 * overlap and never touch within the gap. Counts add, so any arrival order ends in the same spans.
 */
import type { EpochMs } from '../../schemas';
import { MINUTE_MS } from '../../schemas';
import { HORIZON, SPAN } from './facts';
import type { CustomerFacts, SessionPages } from './facts';
import type { Table } from './table';

/** Exactly this long keeps the session, strictly more starts a new one. The one constant, in the one file. */
export const SESSION_GAP_MS = 30 * MINUTE_MS;

/**
 * How long after its end we know what was published of a session, and its pages. A gap more than a session is
 * published again: an event that is not too late may extend one that ended a gap before the event.
 */
export const REMEMBERED_MS = HORIZON.pagesMs + SESSION_GAP_MS;

/** Does an event at `at` belong to the span that ends at `end` and starts at `start`? */
export const belongs = (at: EpochMs, start: EpochMs, end: EpochMs, gapMs: number): boolean =>
  at >= start - gapMs && at <= end + gapMs;

/**
 * Unites the instant with the spans that it touches; returns the row of the span that now holds it.
 * `onUnion` hears which span starts were replaced by which.
 */
export function uniteInstant(
  spans: Table,
  at: EpochMs,
  gapMs: number = SESSION_GAP_MS,
  onUnion?: (oldStart: EpochMs, newStart: EpochMs) => void,
): number {
  const after = spans.lowerBound(at - gapMs);
  let row = after;
  // The span before may reach over `at - gap`, as it is sorted by its start.
  if (row > 0 && belongs(at, spans.at(row - 1, SPAN.start), spans.at(row - 1, SPAN.end), gapMs)) row--;
  if (row === spans.rows || !belongs(at, spans.at(row, SPAN.start), spans.at(row, SPAN.end), gapMs)) {
    spans.insert(row);
    spans.set(row, SPAN.start, at);
    spans.set(row, SPAN.end, at);
    return row;
  }
  extend(spans, row, at, onUnion);
  while (row + 1 < spans.rows && spans.at(row + 1, SPAN.start) - spans.at(row, SPAN.end) <= gapMs)
    absorbNext(spans, row, onUnion);
  return row;
}

function extend(
  spans: Table,
  row: number,
  at: EpochMs,
  onUnion?: (oldStart: EpochMs, newStart: EpochMs) => void,
): void {
  const start = spans.at(row, SPAN.start);
  if (at < start) {
    spans.set(row, SPAN.start, at);
    onUnion?.(start, at);
  }
  if (at > spans.at(row, SPAN.end)) spans.set(row, SPAN.end, at);
}

function absorbNext(
  spans: Table,
  row: number,
  onUnion?: (oldStart: EpochMs, newStart: EpochMs) => void,
): void {
  onUnion?.(spans.at(row + 1, SPAN.start), spans.at(row, SPAN.start));
  spans.set(row, SPAN.end, Math.max(spans.at(row, SPAN.end), spans.at(row + 1, SPAN.end)));
  for (let column: number = SPAN.events; column < spans.width; column++)
    spans.add(row, column, spans.at(row + 1, column));
  spans.remove(row + 1);
}

/** Adds one event; returns its row, or -1 when its session is already beyond the horizon. */
export function addToSessions(facts: CustomerFacts, at: EpochMs, page: string | null): number {
  const { sessions } = facts;
  const row = uniteInstant(sessions, at, SESSION_GAP_MS, (oldStart, newStart) =>
    movePages(facts, oldStart, newStart),
  );
  sessions.add(row, SPAN.events, 1);
  if (sessions.at(row, SPAN.end) < facts.clock - HORIZON.sessionsMs) {
    sessions.remove(row);
    return -1;
  }
  if (page !== null) {
    const start = sessions.at(row, SPAN.start);
    mergePages(facts, { start, entryAt: at, entry: page, exitAt: at, exit: page });
  }
  return row;
}

function movePages(facts: CustomerFacts, oldStart: EpochMs, newStart: EpochMs): void {
  const index = facts.pages.findIndex(pages => pages.start === oldStart);
  if (index < 0) return;
  const [moved] = facts.pages.splice(index, 1);
  mergePages(facts, { ...moved!, start: newStart });
}

/** Entry of the earliest, exit of the latest; at one instant the smallest and the largest text. */
function mergePages(facts: CustomerFacts, added: SessionPages): void {
  const held = facts.pages.find(pages => pages.start === added.start);
  if (held === undefined) {
    facts.pages.push(added);
    facts.pages.sort((a, b) => a.start - b.start);
    return;
  }
  if (added.entryAt < held.entryAt || (added.entryAt === held.entryAt && added.entry < held.entry)) {
    held.entryAt = added.entryAt;
    held.entry = added.entry;
  }
  if (added.exitAt > held.exitAt || (added.exitAt === held.exitAt && added.exit > held.exit)) {
    held.exitAt = added.exitAt;
    held.exit = added.exit;
  }
}

/** Forgets spans that ended before the horizon, and pages of sessions that can no longer be published. */
export function trimSessions(facts: CustomerFacts, settledThrough: EpochMs): void {
  const { sessions, clock } = facts;
  let expired = 0;
  while (expired < sessions.rows && sessions.at(expired, SPAN.end) < clock - HORIZON.sessionsMs) expired++;
  sessions.remove(0, expired);
  if (facts.pages.length === 0) return;
  facts.pages = facts.pages.filter(pages => {
    const row = sessions.lowerBound(pages.start);
    const end = row < sessions.rows ? sessions.at(row, SPAN.end) : -Infinity;
    return end >= clock - REMEMBERED_MS || (end > settledThrough && end > -Infinity);
  });
}
