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

export function encodeOutbox({ mail, messages, ...rest }: Outbox): Buffer {
  const head: Head = {
    ...rest,
    mail: mail.map(({ value, ...one }) => ({ ...one, bytes: value.length })),
    messages: messages.map(({ value, ...one }) => ({ ...one, bytes: value?.length ?? -1 })),
  };
  const text = Buffer.from(JSON.stringify(head));
  const front = Buffer.alloc(HEAD_AT);
  front[0] = VERSION;
  front.writeUInt32BE(text.length, 1);
  const bodies = [...mail, ...messages].map(({ value }) => value ?? Buffer.alloc(0));
  return Buffer.concat([front, text, ...bodies]);
}

/** @throws when the bytes are not an outbox of this version */
export function decodeOutbox(bytes: Buffer): Outbox {
  if (bytes[0] !== VERSION)
    throw new Error(`The outbox has version ${bytes[0]}; this release reads ${VERSION}.`);
  const bodiesAt = HEAD_AT + bytes.readUInt32BE(1);
  const head = JSON.parse(bytes.toString('utf8', HEAD_AT, bodiesAt)) as Head;
  let at = bodiesAt;
  const body = (length: number): Buffer => bytes.subarray(at, (at += length));
  const { mail, messages, ...rest } = head;
  return {
    ...rest,
    mail: mail.map(({ bytes: length, ...one }) => ({ ...one, value: body(length) })),
    messages: messages.map(({ bytes: length, ...one }) => ({
      ...one,
      value: length < 0 ? null : body(length),
    })),
  };
}
