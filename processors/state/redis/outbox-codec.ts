/** An outbox as bytes: a version, the length of a JSON head, the head, then all bodies one after another. */
import type { Outbox, OutgoingMail, OutgoingMessage } from '../../ports';

const VERSION = 1;
const HEAD_AT = 5;

interface Head {
  batchNumber: number;
  epoch: number;
  from: Outbox['from'];
  to: Outbox['to'];
  /** Bodies are given by their lengths; -1 for a tombstone. */
  mail: (Omit<OutgoingMail, 'value'> & { bytes: number })[];
  messages: (Omit<OutgoingMessage, 'value'> & { bytes: number })[];
}

/** Bytes that are no outbox of this version: no new claim mends them. */
export class DamagedOutboxError extends Error {
  override readonly name = 'DamagedOutboxError';
}

export function encodeOutbox({ mail, messages, ...rest }: Outbox): Buffer {
  const head: Head = {
    ...rest,
    // By name: an object of known shape is several times as fast to make as a rest of one.
    mail: mail.map(({ to, partition, recordAt, value }) => ({
      to,
      partition,
      recordAt,
      bytes: value.length,
    })),
    messages: messages.map(({ topic, key, id, headers, value }) => {
      const bytes = value?.length ?? -1;
      return { topic, key, id, headers, bytes };
    }),
  };
  const text = JSON.stringify(head);
  const textBytes = Buffer.byteLength(text);
  let total = HEAD_AT + textBytes;
  for (const { value } of mail) total += value.length;
  for (const { value } of messages) total += value?.length ?? 0;
  const bytes = Buffer.allocUnsafe(total);
  bytes[0] = VERSION;
  bytes.writeUInt32BE(textBytes, 1);
  let at = HEAD_AT + bytes.write(text, HEAD_AT, 'utf8');
  const append = (value: Uint8Array): void => {
    bytes.set(value, at);
    at += value.length;
  };
  for (const { value } of mail) append(value);
  for (const { value } of messages) if (value !== null) append(value);
  return bytes;
}

/** @throws DamagedOutboxError */
export function decodeOutbox(bytes: Buffer): Outbox {
  try {
    return read(bytes);
  } catch (error) {
    throw new DamagedOutboxError(
      `The outbox can't be read: ${(error as Error).message} Nothing was changed. docs/runbook.md, "A damaged value", says what to do.`,
      { cause: error },
    );
  }
}

function read(bytes: Buffer): Outbox {
  if (bytes[0] !== VERSION) throw new Error(`It has version ${bytes[0]}; this release reads ${VERSION}.`);
  const bodiesAt = HEAD_AT + bytes.readUInt32BE(1);
  const head = JSON.parse(bytes.toString('utf8', HEAD_AT, bodiesAt)) as Head;
  let at = bodiesAt;
  const body = (length: number): Buffer => bytes.subarray(at, (at += length));
  const { mail, messages, ...rest } = head;
  const outbox = {
    ...rest,
    mail: mail.map(({ bytes: length, ...one }) => ({ ...one, value: body(length) })),
    messages: messages.map(({ bytes: length, ...one }) => ({
      ...one,
      value: length < 0 ? null : body(length),
    })),
  };
  if (at !== bytes.length) throw new Error(`It has ${bytes.length} bytes, its head says ${at}.`);
  return outbox;
}
