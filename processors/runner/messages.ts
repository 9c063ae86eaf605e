/** Outgoing messages: bodies in bytes, ids that are a hash of the body, CloudEvents 1.0 attributes as headers. */
import { hash } from 'node:crypto';
import type {
  Alert,
  AlertKind,
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
const MAX_DATE = 8.64e15;
/** Bytes of a dead record that are kept. */
const DEAD_BYTES = 65_536;
/** What a dead letter needs besides the record's bytes. */
const DEAD_HEAD_BYTES = 1_024;

export const ALERT_KINDS: readonly AlertKind[] = ['churnRisk', 'inactive', 'engagementDrop', 'vipAtRisk'];

const TYPES: Readonly<Record<OutputTopic, string>> = {
  'engagement-scores': 'rescore.score',
  'engagement-alerts': 'rescore.alert',
  sessions: 'rescore.session',
  'late-events': 'rescore.late-event',
  'dead-letters': 'rescore.dead-letter',
};

export const sha256Hex = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');

/** Compacted per customer and kind. */
export const alertKey = (customerId: CustomerId, kind: AlertKind): string => `${customerId}:${kind}`;

/** Headers in one shape: who serialises them sees the same keys in the same order. */
interface CloudEventHeaders extends Record<string, string> {
  ce_specversion: string;
  ce_id: string;
  ce_source: string;
  ce_type: string;
  ce_time: string;
  'content-type': string;
}

export class MessageWriter {
  private readonly sources: Record<string, string> = {};
  private timeAt: EpochMs = NaN;
  private timeText = '';

  constructor(
    private readonly codec: WireCodec,
    private readonly source: string,
    /** Size limit of a message, bytes. */
    private readonly maxBytes: number,
    /** Told of every message that was above the limit and became a dead letter. */
    private readonly onTooLarge: (code: string) => void,
  ) {}

  score(score: EngagementScore): OutgoingMessage {
    return this.write('engagement-scores', score.customerId, score.customerId, score, score.asOf);
  }

  alert(alert: Alert): OutgoingMessage {
    const key = alertKey(alert.customerId, alert.kind);
    return this.write('engagement-alerts', key, alert.customerId, alert, alert.asOf);
  }

  session(session: Session, asOf: EpochMs): OutgoingMessage {
    return this.write('sessions', session.customerId, session.customerId, session, asOf);
  }

  late(event: LateEvent): OutgoingMessage {
    return this.write('late-events', event.customerId, event.customerId, event, event.recordAt);
  }

  /** `bytes` are cut where the message would not fit. */
  deadLetter(
    letter: Omit<DeadLetter, 'bytes' | 'size' | 'digest'>,
    bytes: Uint8Array,
    at: EpochMs,
  ): OutgoingMessage {
    const { topic, partition, offset } = letter.source;
    const kept = Math.min(DEAD_BYTES, Math.max(0, this.maxBytes - DEAD_HEAD_BYTES));
    const body: DeadLetter = {
      ...letter,
      bytes: bytes.subarray(0, kept),
      size: bytes.length,
      digest: sha256Hex(bytes),
    };
    const value = this.codec.encode('dead-letters', body);
    return this.message('dead-letters', `${topic}/${partition}/${offset}`, '', value, at);
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

  /** Both compacted topics forget a customer. */
  tombstonesOf(customerId: CustomerId, type: string, at: EpochMs): OutgoingMessage[] {
    const alerts = ALERT_KINDS.map(kind =>
      this.tombstone('engagement-alerts', alertKey(customerId, kind), customerId, type, at),
    );
    return [this.tombstone('engagement-scores', customerId, customerId, type, at), ...alerts];
  }

  private write<T extends OutputTopic>(
    topic: T,
    key: string,
    subject: string,
    body: WireOutputs[T],
    at: EpochMs,
  ): OutgoingMessage {
    const value = this.codec.encode(topic, body);
    if (value.length > this.maxBytes) return this.tooLarge(topic, key, value, at);
    return this.message(topic, key, subject, value, at);
  }

  private message(
    topic: OutputTopic,
    key: string,
    subject: string,
    value: Uint8Array,
    at: EpochMs,
  ): OutgoingMessage {
    const id = sha256Hex(value).slice(0, ID_HEX);
    return { topic, key, id, value, headers: this.headers(id, topic, TYPES[topic], subject, at) };
  }

  /** What the log would refuse must be found before the commit, not after. */
  private tooLarge(topic: OutputTopic, key: string, value: Uint8Array, at: EpochMs): OutgoingMessage {
    const code = 'message-too-large';
    this.onTooLarge(code);
    const reason = `A message for ${topic} has ${value.length} bytes, the limit is ${this.maxBytes}. Raise lane.maxMessageBytes, then run \`rescore topics create --alter\`.`;
    const source = { topic, partition: -1, offset: -1 };
    const letter = this.deadLetter({ source, origin: null, stage: 'publish', code, reason }, value, at);
    return { ...letter, key: `${topic}/${key}` };
  }

  private headers(
    id: string,
    topic: OutputTopic,
    type: string,
    subject: string,
    at: EpochMs,
  ): CloudEventHeaders {
    const headers: CloudEventHeaders = {
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: (this.sources[topic] ??= `${this.source}/${topic}`),
      ce_type: type,
      ce_time: this.isoTime(at),
      'content-type': 'application/avro',
    };
    if (subject !== '') headers['ce_subject'] = subject;
    return headers;
  }

  /** Messages of a midnight share it. */
  private isoTime(at: EpochMs): string {
    if (at !== this.timeAt) {
      // Years beyond what a Date holds come from a log with a broken clock; the message must go out all the same.
      this.timeText = new Date(Math.min(Math.max(at, -MAX_DATE), MAX_DATE)).toISOString();
      this.timeAt = at;
    }
    return this.timeText;
  }
}
