/** What one request brings: messages, each as it is read and as it was sent. */
import { MAX_LEVELS, isNestedDeeper } from './body';
import { HttpError } from './errors';

export interface Message {
  /** With its type and what it inherits from its batch. */
  body: unknown;
  /** As it came: this is measured, and kept when it is refused. The write key is nobody else's business. */
  sent: unknown;
  /** Instant of the batch as it was sent, part of what a missing message id is the hash of; null without one. */
  batchSentAt: unknown;
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** The messages of a `/v1/batch` body. @throws HttpError */
export function messagesOf(body: unknown, maxEvents: number): Message[] {
  const { batch, sentAt, context } = (body ?? {}) as Json;
  if (!Array.isArray(batch) || batch.length === 0)
    throw new HttpError('malformed-batch', 'batch is not a list of messages.');
  if (batch.length > maxEvents)
    throw new HttpError(
      'body-too-large',
      `The batch holds ${batch.length} messages, at most ${maxEvents} are taken.`,
      'Send smaller batches, or raise collector.maxBatchEvents.',
    );
  if (isNestedDeeper([context, sentAt], MAX_LEVELS))
    throw new HttpError(
      'malformed-batch',
      `context or sentAt is nested more than ${MAX_LEVELS} levels.`,
      'Send flatter ones.',
    );
  return batch.map((sent: unknown) => ({
    body: isObject(sent) ? inheriting(sent, sentAt, context) : sent,
    sent,
    batchSentAt: sentAt ?? null,
  }));
}

function inheriting(own: Json, sentAt: unknown, context: unknown): Json {
  const ownContext = own['context'];
  return {
    ...own,
    sentAt: own['sentAt'] ?? sentAt,
    // Inherited rather than copied: thousands of messages times thousands of keys would stop everybody else. What is
    // malformed is named by the reader.
    context:
      isObject(ownContext) && isObject(context)
        ? Object.create(context, Object.getOwnPropertyDescriptors(ownContext))
        : (ownContext ?? context),
  };
}

/** The message of a single call, typed by its path. @throws HttpError */
export function messageOf(body: unknown, type: string): Message {
  if (!isObject(body)) throw new HttpError('malformed-json', 'The body is not a JSON object.');
  const { writeKey: _writeKey, ...sent } = body;
  if (sent['type'] !== undefined && sent['type'] !== type) {
    const given = isNestedDeeper(sent['type'], MAX_LEVELS) ? 'an object' : JSON.stringify(sent['type']);
    throw new HttpError('wrong-type', `type is ${given.slice(0, 40)}, the path says ${type}.`);
  }
  return { body: { ...sent, type }, sent: { ...sent, type }, batchSentAt: null };
}
