/**
 * From messages of trackers to records of the log: read, validate, stamp, append. An answer waits until the log has
 * everything, so what was acknowledged survives; requests that wait together are appended together.
 */
import { readInput } from '../../processors/core';
import type { InputRules } from '../../processors/core';
import type { AppendRecord, EventLog, WireCodec } from '../../processors/ports';
import type { EpochMs } from '../../schemas';
import { readSegmentMessage } from '../../streams/segment';
import type { DataTopic, ReadRow } from '../../streams/rows';
import { HTTP_ERRORS, HttpError } from './errors';

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

type Json = Record<string, unknown>;

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
  async take(messages: readonly unknown[], at: EpochMs): Promise<Received> {
    const received: Received = { accepted: 0, ignored: 0, derivedIds: 0, rejected: [] };
    const letters: { bytes: Uint8Array; code: string; reason: string; at: EpochMs }[] = [];
    for (let index = 0; index < messages.length; index++) {
      const raw = JSON.stringify(messages[index]) ?? 'null';
      const refused = this.read(messages[index], raw, at, received);
      if (refused === null) continue;
      received.rejected.push({ index, code: refused.code, message: refused.reason });
      letters.push({ bytes: Buffer.from(raw), ...refused, at });
    }
    try {
      if (received.accepted > 0) await this.flush();
      for (const letter of letters) await this.ports.deadLetter(letter);
    } catch (error) {
      throw new HttpError('not-stored', `The events could not be stored: ${(error as Error).message}`);
    }
    return received;
  }

  private read(
    message: unknown,
    raw: string,
    at: EpochMs,
    received: Received,
  ): { code: string; reason: string } | null {
    const bytes = Buffer.byteLength(raw);
    if (bytes > this.maxEventBytes)
      return {
        code: 'event-too-large',
        reason: `the event has ${bytes} bytes, at most ${this.maxEventBytes} are taken. ${HTTP_ERRORS['event-too-large'].remedy}`,
      };
    const row = readSegmentMessage(message, raw, { receivedAt: at });
    if (row.ok === 'ignored') {
      received.ignored++;
      return null;
    }
    if (!row.ok) return row;
    return this.keep(row, at, received);
  }

  private keep(row: ReadRow, at: EpochMs, received: Received): { code: string; reason: string } | null {
    const { log, codec, rules } = this.ports;
    const source = { topic: row.topic, partition: 0, offset: 0, index: 0 };
    const reading = readInput<DataTopic>(
      row.topic,
      row.value,
      { recordAt: at, source, mailedFrom: null },
      rules,
    );
    if (!reading.ok) return reading;
    const key = reading.input.customerId;
    const value = codec.encodeInput<DataTopic>(row.topic, row.value);
    this.waiting.push({
      topic: row.topic,
      partition: log.partitionOf(key),
      record: { key, value, recordAt: at },
    });
    received.accepted++;
    if (row.derivedMessageId) received.derivedIds++;
    return null;
  }

  /** One append for everything that waits: what comes while it runs is in the next one, which all of that share. */
  private flush(): Promise<void> {
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

/** The messages of a `/v1/batch` body, with what they inherit. @throws HttpError */
export function messagesOf(body: unknown): unknown[] {
  const { batch, sentAt, context } = (body ?? {}) as Json;
  if (!Array.isArray(batch) || batch.length === 0)
    throw new HttpError('malformed-batch', 'batch is not a list of messages.');
  return batch.map((message: unknown) => {
    if (message === null || typeof message !== 'object' || Array.isArray(message)) return message;
    const own = message as Json;
    return {
      ...own,
      sentAt: own['sentAt'] ?? sentAt,
      context: { ...asObject(context), ...asObject(own['context']) },
    };
  });
}

const asObject = (value: unknown): Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {};

/** The message of a single call, typed by its path. @throws HttpError */
export function messageOf(body: unknown, type: string): Json {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw new HttpError('malformed-json', 'The body is not a JSON object.');
  const message = body as Json;
  if (message['type'] !== undefined && message['type'] !== type)
    throw new HttpError('wrong-type', `type is ${JSON.stringify(message['type'])}, the path says ${type}.`);
  return { ...message, type };
}
