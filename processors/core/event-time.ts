/** When something happened, from what a tracker says and what the log knows. */
import type { EpochMs, TrackerTimes } from '../../schemas';
import { MINUTE_MS } from '../../schemas';

/** Nothing that is scored happened before 1990. */
export const TIME_FLOOR: EpochMs = Date.UTC(1990, 0, 1);
const CLOCK_AHEAD_MS = 5 * MINUTE_MS;

export interface EventTime {
  eventAt: EpochMs;
  /** The event claimed to be more than 5 minutes after its record; it counts at its record's time. */
  clockAhead: boolean;
}

/**
 * `timestamp`; else `receivedAt - (sentAt - originalTimestamp)`; else `receivedAt`; else the record's own. Never
 * after the record. Before the floor: null.
 */
export function resolveEventTime(times: TrackerTimes, recordAt: EpochMs): EventTime | null {
  const claimed = claimedTime(times) ?? recordAt;
  if (!(claimed >= TIME_FLOOR)) return null;
  return claimed > recordAt
    ? { eventAt: recordAt, clockAhead: claimed - recordAt > CLOCK_AHEAD_MS }
    : { eventAt: Math.floor(claimed), clockAhead: false };
}

/** The time that the tracker's fields alone give; null when they give none. */
export function claimedTime({
  timestamp,
  originalTimestamp,
  sentAt,
  receivedAt,
}: TrackerTimes): EpochMs | null {
  if (timestamp !== null) return timestamp;
  if (receivedAt === null) return null;
  if (sentAt !== null && originalTimestamp !== null) return receivedAt - (sentAt - originalTimestamp);
  return receivedAt;
}
