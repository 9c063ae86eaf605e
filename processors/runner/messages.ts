/** Outgoing messages: bodies in bytes, ids that are a hash of the body, CloudEvents 1.0 attributes as headers. */
import { createHash } from 'node:crypto';
import type {
  Alert,
  CustomerId,
  DeadLetter,
  EngagementScore,
  EpochMs,
  LateEvent,
  OutputTopic,
  Session,
  WireOutputs,
} from '../../schemas';
import type { OutgoingMessage, WireCodec } from '../ports';

const ID_HEX = 32;
/** Bytes of a dead record that are kept. */
const DEAD_BYTES = 65_536;

const TYPES: Readonly<Record<OutputTopic, string>> = {
  'engagement-scores': 'rescore.score',
  'engagement-alerts': 'rescore.alert',
  sessions: 'rescore.session',
  'late-events': 'rescore.late-event',
  'dead-letters': 'rescore.dead-letter',
};

export const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Compacted per customer and kind. */
export const alertKey = (customerId: CustomerId, kind: string): string => `${customerId}:${kind}`;

export class MessageWriter {
  constructor(
    private readonly codec: WireCodec,
    private readonly source: string,
  ) {}

  score(score: EngagementScore): OutgoingMessage {
    return this.write('engagement-scores', score.customerId, score.customerId, score, score.asOf);
  }

  alert(alert: Alert): OutgoingMessage {
    return this.write(
      'engagement-alerts',
      alertKey(alert.customerId, alert.kind),
      alert.customerId,
      alert,
      alert.asOf,
    );
  }

  session(session: Session): OutgoingMessage {
    return this.write('sessions', session.customerId, session.customerId, session, session.endAt);
  }

  late(event: LateEvent): OutgoingMessage {
    return this.write('late-events', event.customerId, event.customerId, event, event.recordAt);
  }

  deadLetter(
    letter: Omit<DeadLetter, 'bytes' | 'size' | 'digest'>,
    bytes: Uint8Array,
    at: EpochMs,
  ): OutgoingMessage {
    const { topic, partition, offset } = letter.source;
    const body: DeadLetter = {
      ...letter,
      bytes: bytes.subarray(0, DEAD_BYTES),
      size: bytes.length,
      digest: sha256Hex(bytes),
    };
    return this.write('dead-letters', `${topic}/${partition}/${offset}`, '', body, at);
  }

  /** Removes what a compacted topic holds under the key; `type` says why. */
  tombstone(
    topic: OutputTopic,
    key: string,
    subject: CustomerId,
    type: string,
    at: EpochMs,
  ): OutgoingMessage {
    const id = sha256Hex(Buffer.from(`${type} ${topic} ${key} ${at}`)).slice(0, ID_HEX);
    return { topic, key, id, value: null, headers: this.headers(id, topic, type, subject, at) };
  }

  private write<T extends OutputTopic>(
    topic: T,
    key: string,
    subject: string,
    body: WireOutputs[T],
    at: EpochMs,
  ): OutgoingMessage {
    const value = this.codec.encode(topic, body);
    const id = sha256Hex(value).slice(0, ID_HEX);
    return { topic, key, id, value, headers: this.headers(id, topic, TYPES[topic], subject, at) };
  }

  private headers(
    id: string,
    topic: string,
    type: string,
    subject: string,
    at: EpochMs,
  ): Record<string, string> {
    const headers: Record<string, string> = {
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: `${this.source}/${topic}`,
      ce_type: type,
      ce_time: new Date(at).toISOString(),
      'content-type': 'application/avro',
    };
    if (subject !== '') headers['ce_subject'] = subject;
    return headers;
  }
}
