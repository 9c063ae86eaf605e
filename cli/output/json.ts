/** Decoded outputs as JSON: infinite and undefined numbers become null, bytes become text or base64. */
import { isUtf8 } from 'node:buffer';
import { reasonSentence } from '../../processors/core';
import type { EngagementScore, OutputTopic, Reason, WireOutputs } from '../../schemas';

/** Text stays readable; what is no text says that it is base64. */
const bytesAsJson = (bytes: Uint8Array): string | { base64: string } => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return isUtf8(buffer) ? buffer.toString('utf8') : { base64: buffer.toString('base64') };
};

/** JSON.stringify itself turns infinite and undefined numbers into null. */
export const asJson = (value: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      field instanceof Uint8Array ? bytesAsJson(field) : (field as unknown),
    ]),
  );

/** Parts of a margin that belong to no one feature: their numbers say enough. */
const NO_FEATURES: ReadonlySet<string> = new Set(['remainder', 'base']);

/** What was published, as JSON; the reasons of a score with their sentences. */
export const messageAsJson = (message: WireOutputs[OutputTopic]): Record<string, unknown> =>
  asJson('reasons' in message ? withSentences(message) : message);

const withSentences = (score: EngagementScore): object => ({
  ...score,
  reasons: reasonsAsJson(score.reasons, score.currency),
});

/** Each that is of a feature with its sentence. */
export const reasonsAsJson = (reasons: readonly Reason[], currency: string): object[] =>
  reasons.map(reason =>
    NO_FEATURES.has(reason.feature) ? reason : { ...reason, sentence: reasonSentence(reason, currency) },
  );
