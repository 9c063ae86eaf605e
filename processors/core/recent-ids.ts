/** Which messages were applied in the last 48 hours of their topic: what makes a copy recognisable. */
import type { EpochMs } from '../../schemas';
import { HORIZON, LIMIT, RECENT, SATURATED } from './facts';
import type { CustomerFacts } from './facts';
import type { Hash64 } from './hash';
import type { MessageInput, TopicClocks } from './types';

/** Ids are kept per topic; what came by mail is kept apart, as its topic's clock says nothing about it. */
export const ID_SOURCES = ['web-events', 'orders', 'customers', 'customer-mail'] as const;

export function idSourceOf(input: MessageInput): number {
  if (input.mailedFrom !== null) return 3;
  return input.source.topic === 'orders' ? 1 : input.source.topic === 'customers' ? 2 : 0;
}

/** A copy whose record timestamp is at most 48 hours from that of an applied one. */
export function isDuplicate(facts: CustomerFacts, source: number, id: Hash64, recordAt: EpochMs): boolean {
  const { cells, rows } = facts.recentIds;
  for (let at = (rows - 1) * 4; at >= 0; at -= 4) {
    if (
      cells[at + RECENT.hi] !== id.hi ||
      cells[at + RECENT.lo] !== id.lo ||
      cells[at + RECENT.source] !== source
    )
      continue;
    if (Math.abs(cells[at + RECENT.recordAt]! - recordAt) <= HORIZON.duplicatesMs) return true;
  }
  return false;
}

/** Rows are sorted by (record timestamp, source, hash), so that equal sets are equal bytes. */
export function remember(facts: CustomerFacts, source: number, id: Hash64, recordAt: EpochMs): void {
  const ids = facts.recentIds;
  let row = ids.rows;
  while (row > 0 && compare(facts, row - 1, recordAt, source, id) > 0) row--;
  ids.insert(row);
  ids.set(row, RECENT.recordAt, recordAt);
  ids.set(row, RECENT.source, source);
  ids.set(row, RECENT.hi, id.hi);
  ids.set(row, RECENT.lo, id.lo);
  if (ids.rows > LIMIT.recentIdsPerTopic) dropOldest(facts, source);
}

function compare(facts: CustomerFacts, row: number, recordAt: EpochMs, source: number, id: Hash64): number {
  const ids = facts.recentIds;
  return (
    ids.at(row, RECENT.recordAt) - recordAt ||
    ids.at(row, RECENT.source) - source ||
    ids.at(row, RECENT.hi) - id.hi ||
    ids.at(row, RECENT.lo) - id.lo
  );
}

function dropOldest(facts: CustomerFacts, source: number): void {
  const ids = facts.recentIds;
  let held = 0;
  let oldest = -1;
  for (let row = ids.rows - 1; row >= 0; row--) {
    if (ids.at(row, RECENT.source) !== source) continue;
    held++;
    oldest = row;
  }
  if (held <= LIMIT.recentIdsPerTopic) return;
  ids.remove(oldest);
  facts.saturated |= SATURATED.recentIds;
}

/** Forgets what no later record of its topic can repeat. */
export function trimRecentIds(facts: CustomerFacts, clocks: TopicClocks): void {
  const ids = facts.recentIds;
  for (let row = 0; row < ids.rows;) {
    const newest = clocks[ID_SOURCES[ids.at(row, RECENT.source)]!];
    if (ids.at(row, RECENT.recordAt) < newest - HORIZON.duplicatesMs) ids.remove(row);
    else if (ids.at(row, RECENT.recordAt) > largestClock(clocks) - HORIZON.duplicatesMs) return;
    else row++;
  }
}

const largestClock = (clocks: TopicClocks): number =>
  Math.max(clocks['web-events'], clocks.orders, clocks.customers, clocks['customer-mail']);
