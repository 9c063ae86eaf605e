/** Rows of files and requests on their way to a topic: what every reader answers. */
import type { EpochMs, InputTopic, WireInputs } from '../schemas';
import { claimedTime } from '../processors/core';

export type DataTopic = Extract<InputTopic, 'web-events' | 'orders' | 'customers'>;

/** A row that can be appended to its topic. */
export type ReadRow = {
  [T in DataTopic]: {
    ok: true;
    topic: T;
    /** Customer id where one is known: decides the partition. */
    key: string;
    value: WireInputs[T];
    /** `receivedAt`, else the event time: the record timestamp of a replay. Null when the row has no time at all. */
    recordAt: EpochMs | null;
    eventAt: EpochMs | null;
    /** The message id was missing and is a hash of the row. */
    derivedMessageId: boolean;
  };
}[DataTopic];

/** Why a row can't be used; the reason names the field and the remedy. */
export interface RefusedRow {
  ok: false;
  code: string;
  reason: string;
}

/** `group` and `alias` calls and the like: answered and counted, nothing to score. */
export interface IgnoredRow {
  ok: 'ignored';
  type: string;
}

export type RowReading = ReadRow | RefusedRow | IgnoredRow;

/** Thrown inside a reader and caught at its edge: never leaves the module. */
export class RowError extends Error {
  override readonly name = 'RowError';
  constructor(
    readonly code: string,
    reason: string,
  ) {
    super(reason);
  }
}

/** Runs a reader; a RowError is its answer. */
export function refusing<T>(read: () => T): T | RefusedRow {
  try {
    return read();
  } catch (error) {
    if (error instanceof RowError) return { ok: false, code: error.code, reason: error.message };
    // The stack is all that a message nested by the thousand can break.
    if (error instanceof RangeError)
      return {
        ok: false,
        code: 'malformed-json',
        reason: 'the message is nested too deeply. Send it flatter.',
      };
    throw error;
  }
}

/** Puts a wire value on its topic. */
export function rowOf<T extends DataTopic>(
  topic: T,
  value: WireInputs[T],
  derivedMessageId: boolean,
): ReadRow {
  const times = value as WireInputs[DataTopic];
  const eventAt = claimedTime(times);
  const key = times.userId ?? (times.anonymousId === null ? '' : `anon:${times.anonymousId}`);
  return {
    ok: true,
    topic,
    key,
    value,
    recordAt: times.receivedAt ?? eventAt,
    eventAt,
    derivedMessageId,
  } as ReadRow;
}
