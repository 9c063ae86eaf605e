/** One message in the Segment shape (RudderStack's is the same) to a row for its topic. */
import { createHash } from 'node:crypto';
import type { OrderFields, ProfileFields, TrackerIdentity, TrackerTimes, WebEvent } from '../../schemas';
import { ORDER_NAMES } from '../../processors/core';
import { RowError, refusing, rowOf } from '../rows';
import type { ReadRow, RowReading } from '../rows';
import { asBoolean, asCurrency, asInstant, asMoney, asNumber, asObject, asText } from './fields';
import type { Json } from './fields';
import { canonicalName } from './names';

export const MAX_LINE_BYTES = 1_048_576;
const MAX_PROPERTIES = 64;
const MAX_PROPERTY_BYTES = 256;
const MAX_NAME_BYTES = 256;
const IGNORED_TYPES: ReadonlySet<string> = new Set(['group', 'alias']);

export interface SegmentOptions {
  /** A collector stamps this; then a client's own `timestamp` counts as `originalTimestamp` unless that is there. */
  receivedAt?: number;
}

/** Reads one line of JSON. Never throws for bad input. */
export function readSegmentLine(line: string, options: SegmentOptions = {}): RowReading {
  return refusing((): RowReading => {
    if (line.length > MAX_LINE_BYTES)
      throw new RowError(
        'record-too-large',
        `the line has ${line.length} characters; at most ${MAX_LINE_BYTES} are allowed.`,
      );
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      throw new RowError('malformed-json', 'the line is not JSON. Send one JSON object a line.');
    }
    return readMessage(message, line, options);
  });
}

/** Reads one parsed message; `raw` is what a missing message id is the hash of. Never throws for bad input. */
export const readSegmentMessage = (message: unknown, raw: string, options: SegmentOptions = {}): RowReading =>
  refusing(() => readMessage(message, raw, options));

function readMessage(message: unknown, raw: string, options: SegmentOptions): RowReading {
  if (message === null || typeof message !== 'object' || Array.isArray(message))
    throw new RowError('malformed-json', 'the message is not an object. Send one JSON object a message.');
  const body = message as Json;
  const type = asText(body['type'], 'type');
  if (type === null)
    throw new RowError('missing-type', 'type is missing; send track, page, screen or identify.');
  if (IGNORED_TYPES.has(type)) return { ok: 'ignored', type };
  const { head, derived } = readHead(body, raw, options);
  switch (type) {
    case 'profile':
      return rowOf(
        'customers',
        { ...head, traits: readTraits(asObject(body['traits'], 'traits'), 'traits') },
        derived,
      );
    case 'track':
      return readTrack(body, head, derived);
    case 'page':
    case 'screen':
    case 'identify':
      return rowOf('web-events', readEvent(type, null, body, head), derived);
    default:
      throw new RowError(
        'unknown-type',
        `type is "${type.slice(0, 40)}"; send track, page, screen or identify.`,
      );
  }
}

type Head = TrackerIdentity & TrackerTimes;

function readHead(body: Json, raw: string, { receivedAt }: SegmentOptions): { head: Head; derived: boolean } {
  const sent = asText(body['messageId'], 'messageId');
  const messageId = sent ?? `sha256:${createHash('sha256').update(raw).digest('hex').slice(0, 32)}`;
  const timestamp = asInstant(body['timestamp'], 'timestamp');
  const originalTimestamp = asInstant(body['originalTimestamp'], 'originalTimestamp');
  const collected = receivedAt !== undefined;
  return {
    derived: sent === null,
    head: {
      messageId,
      userId: asText(body['userId'], 'userId'),
      anonymousId: asText(body['anonymousId'], 'anonymousId'),
      // What a client calls timestamp is its own clock; a collector corrects it by sentAt.
      timestamp: collected ? null : timestamp,
      originalTimestamp: originalTimestamp ?? (collected ? timestamp : null),
      sentAt: asInstant(body['sentAt'], 'sentAt'),
      receivedAt: receivedAt ?? asInstant(body['receivedAt'], 'receivedAt'),
    },
  };
}

function readTrack(body: Json, head: Head, derived: boolean): ReadRow {
  const sent = asText(body['event'], 'event');
  if (sent === null)
    throw new RowError('missing-event', 'event is missing from a track call; send its name.');
  if (Buffer.byteLength(sent) > MAX_NAME_BYTES)
    throw new RowError(
      'out-of-range',
      `event has ${Buffer.byteLength(sent)} bytes; at most ${MAX_NAME_BYTES} are allowed.`,
    );
  const name = canonicalName(sent);
  const kind = ORDER_NAMES[name];
  if (kind === undefined) return rowOf('web-events', readEvent('track', name, body, head), derived);
  const order = readOrder(asObject(body['properties'], 'properties'));
  return rowOf('orders', { ...head, kind, order }, derived);
}

function readEvent(type: WebEvent['type'], event: string | null, body: Json, head: Head): WebEvent {
  const properties = asObject(body['properties'], 'properties');
  const context = asObject(body['context'], 'context');
  const device = asObject(context['device'], 'context.device');
  const bounded = boundProperties(properties);
  const page = asText(properties['path'] ?? properties['url'] ?? body['name'], 'properties.path');
  return {
    ...head,
    type,
    event,
    page: page === null ? null : cut(page),
    deviceType: asText(device['type'], 'context.device.type'),
    channel: asText(context['channel'] ?? body['channel'], 'context.channel'),
    sessionId: asText(context['sessionId'] ?? properties['session_id'], 'context.sessionId'),
    targetUserId: asText(
      properties['targetUserId'] ?? properties['target_user_id'],
      'properties.targetUserId',
    ),
    liked: asBoolean(properties['liked'], 'properties.liked'),
    rating: asNumber(properties['rating'], 'properties.rating'),
    sentiment: asNumber(properties['sentiment'], 'properties.sentiment'),
    order: null,
    traits: type === 'identify' ? readTraits(asObject(body['traits'], 'traits'), 'traits') : null,
    ...bounded,
  };
}

const cut = (text: string): string =>
  Buffer.byteLength(text) <= MAX_PROPERTY_BYTES
    ? text
    : Buffer.from(text)
        .subarray(0, MAX_PROPERTY_BYTES)
        .toString('utf8')
        .replace(/\uFFFD+$/, '');

/** At most 64 entries of at most 256 bytes; what is longer is cut and flagged, not refused. */
function boundProperties(properties: Json): { properties: Record<string, string>; truncated: boolean } {
  const bounded: Record<string, string> = Object.create(null) as Record<string, string>;
  let truncated = false;
  let count = 0;
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || name === '__proto__') continue;
    if (count++ === MAX_PROPERTIES) {
      truncated = true;
      break;
    }
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const key = cut(name);
    bounded[key] = cut(text);
    truncated ||= key !== name || bounded[key] !== text;
  }
  return { properties: bounded, truncated };
}

export function readOrder(properties: Json): OrderFields {
  const orderId = asText(properties['order_id'] ?? properties['orderId'], 'properties.order_id');
  const currency = asCurrency(properties['currency'], 'properties.currency');
  const money = (name: string): number | null => asMoney(properties[name], `properties.${name}`, currency);
  return {
    orderId: orderId ?? '',
    revenueMinor: money('revenue'),
    subtotalMinor: money('subtotal'),
    totalMinor: money('total'),
    shippingMinor: money('shipping'),
    taxMinor: money('tax'),
    currency,
  };
}

const oneOf = <T extends string>(value: unknown, field: string, allowed: readonly T[]): T | null => {
  const text = asText(value, field)?.toLowerCase() ?? null;
  if (text === null) return null;
  const found = allowed.find(option => option === text);
  if (found === undefined)
    throw new RowError(
      'malformed-field',
      `${field} is "${text.slice(0, 40)}"; send one of ${allowed.join(', ')}.`,
    );
  return found;
};

/** Profile fields; `age` becomes a band of ten years, as single years are never needed. */
export function readTraits(traits: Json, prefix: string): ProfileFields {
  const { skills } = traits;
  const age = asNumber(traits['age'], `${prefix}.age`);
  return {
    createdAt: asInstant(traits['createdAt'] ?? traits['created_at'], `${prefix}.createdAt`),
    accountType: oneOf(traits['accountType'] ?? traits['plan'], `${prefix}.accountType`, [
      'free',
      'premium',
      'enterprise',
    ]),
    location: oneOf(traits['location'], `${prefix}.location`, ['urban', 'suburban', 'rural']),
    profileCompleteness: asNumber(traits['profileCompleteness'], `${prefix}.profileCompleteness`),
    skills: Array.isArray(skills) ? skills.length : roundOrNull(asNumber(skills, `${prefix}.skills`)),
    ageBand:
      age === null
        ? asText(traits['ageBand'], `${prefix}.ageBand`)
        : `${Math.floor(age / 10) * 10}-${Math.floor(age / 10) * 10 + 9}`,
    gender: asText(traits['gender'], `${prefix}.gender`),
  };
}

const roundOrNull = (value: number | null): number | null =>
  value === null ? null : Math.min(Math.max(Math.round(value), -1), 2_000_000_000);
