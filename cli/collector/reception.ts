/**
 * From messages of trackers to records of the log: read, validate, stamp, append. An answer waits until the log has
 * everything, so what was acknowledged survives; requests that wait together are appended together.
 */
import { readInput } from '../../processors/core';
import type { InputRules } from '../../processors/core';
import type { AppendRecord, EventLog, WireCodec } from '../../processors/ports';
import type { EpochMs, TrackerTimes } from '../../schemas';
import { readSegmentMessage } from '../../streams/segment';
import type { DataTopic, ReadRow } from '../../streams/rows';
import { MAX_LEVELS, isNestedDeeper } from './body';
import { HTTP_ERRORS, HttpError } from './errors';
import type { Message } from './messages';

export interface Refusal {
  index: number;
  code: string;
  message: string;
}

export interface ReceptionPorts {
  log: EventLog;
  codec: WireCodec;
  rules: InputRules;
  /** What can't be used of a batch is kept with its reason. */
  deadLetter: (letter: { bytes: Uint8Array; code: string; reason: string; at: EpochMs }) => Promise<void>;
}

export interface Received {
  accepted: number;
  ignored: number;
  derivedIds: number;
  rejected: Refusal[];
}

interface Waiting {
  topic: DataTopic;
  partition: number;
  record: AppendRecord;
}

/** What became of one message. */
type Reading =
  | { ok: true; waiting: Waiting; derivedId: boolean }
  | { ok: 'ignored' }
  | { ok: false; code: string; reason: string };

/** Farther from 1970 no calendar goes (ECMAScript's Date), and the log's integers end soon after. */
const MAX_INSTANT = 8.64e15;
const TIMES = ['timestamp', 'originalTimestamp', 'sentAt'] as const satisfies (keyof TrackerTimes)[];

export class Reception {
  private waiting: Waiting[] = [];
  /** The append that runs, and the one that comes after it. */
  private current: Promise<void> = Promise.resolve();
  private next: Promise<void> | null = null;

  constructor(
    private readonly ports: ReceptionPorts,
    private readonly maxEventBytes: number,
  ) {}

  /** Takes messages that came in one request. @throws HttpError when the log can't take them. */
  async take(messages: readonly Message[], at: EpochMs): Promise<Received> {
    const received: Received = { accepted: 0, ignored: 0, derivedIds: 0, rejected: [] };
    const letters: { bytes: Uint8Array; code: string; reason: string; at: EpochMs }[] = [];
    const records: Waiting[] = [];
    messages.forEach((message, index) => {
      const isDeep = isNestedDeeper(message.sent, MAX_LEVELS);
      const raw = isDeep ? '' : (JSON.stringify(message.sent) ?? 'null');
      const reading = isDeep ? TOO_DEEP : this.read(message, raw, at);
      if (reading.ok === 'ignored') received.ignored++;
      else if (reading.ok) {
        received.accepted++;
        if (reading.derivedId) received.derivedIds++;
        records.push(reading.waiting);
      } else {
        const { code, reason } = reading;
        received.rejected.push({ index, code, message: reason });
        letters.push({ bytes: Buffer.from(raw), code, reason, at });
      }
    });
    try {
      // Nothing waits before all of the request is read: a request that fails leaves no half of itself behind.
      if (records.length > 0) await this.store(records);
      for (const letter of letters) await this.ports.deadLetter(letter);
    } catch (error) {
      throw new HttpError('not-stored', `The events could not be stored: ${(error as Error).message}`);
    }
    return received;
  }

  private read({ body, batchSentAt }: Message, raw: string, at: EpochMs): Reading {
    const bytes = Buffer.byteLength(raw);
    if (bytes > this.maxEventBytes)
      return {
        ok: false,
        code: 'event-too-large',
        reason: `the event has ${bytes} bytes, at most ${this.maxEventBytes} are taken. ${HTTP_ERRORS['event-too-large'].remedy}`,
      };
    // Two equal messages without an id are one when they came in the same batch, not when a day lies between.
    const hashed = batchSentAt === null ? raw : `${raw}${JSON.stringify(batchSentAt)}`;
    const row = readSegmentMessage(body, hashed, { receivedAt: at });
    if (row.ok === 'ignored') return { ok: 'ignored' };
    return row.ok ? this.toRecord(row, at) : row;
  }

  private toRecord(row: ReadRow, at: EpochMs): Reading {
    const { log, codec, rules } = this.ports;
    const field = TIMES.find(name => Math.abs(row.value[name] ?? 0) > MAX_INSTANT);
    if (field !== undefined)
      return {
        ok: false,
        code: 'malformed-time',
        reason: `${field} is ${row.value[field]}; send an ISO 8601 time such as 2026-01-31T12:00:00Z, or milliseconds.`,
      };
    const source = { topic: row.topic, partition: 0, offset: 0, index: 0 };
    const place = { recordAt: at, source, mailedFrom: null };
    const reading = readInput<DataTopic>(row.topic, row.value, place, rules);
    if (!reading.ok) return reading;
    const key = reading.input.customerId;
    const value = codec.encodeInput<DataTopic>(row.topic, row.value);
    const record = { key, value, recordAt: at };
    return {
      ok: true,
      waiting: { topic: row.topic, partition: log.partitionOf(key), record },
      derivedId: row.derivedMessageId,
    };
  }

  /** One append for everything that waits: what comes while it runs is in the next one, which all of that share. */
  private store(records: readonly Waiting[]): Promise<void> {
    for (const record of records) this.waiting.push(record);
    this.next ??= this.current
      .catch(() => undefined)
      .then(() => {
        const batch = this.waiting;
        this.waiting = [];
        this.current = this.next!;
        this.next = null;
        return this.append(batch);
      });
    return this.next;
  }

  private async append(batch: readonly Waiting[]): Promise<void> {
    const groups = new Map<string, Waiting[]>();
    for (const one of batch) {
      const name = `${one.topic}/${one.partition}`;
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [one]);
      else group.push(one);
    }
    for (const group of groups.values())
      await this.ports.log.append(
        group[0]!.topic,
        group[0]!.partition,
        group.map(({ record }) => record),
      );
  }
}

const TOO_DEEP: Reading = {
  ok: false,
  code: 'malformed-json',
  reason: `the message is nested more than ${MAX_LEVELS} levels. Send a flatter one.`,
};
