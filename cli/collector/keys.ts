/** Comparing keys without telling by the time it takes how much of one was right. */
import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Every known key is compared, also after a match. */
export function isKnownKey(given: string, known: readonly string[]): boolean {
  const wanted = digest(given);
  return known.reduce((found, key) => timingSafeEqual(digest(key), wanted) || found, false);
}

/** User name of Basic authentication, as trackers send their write key; null without one. */
export function basicUser(authorization: string | undefined): string | null {
  const match = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '');
  if (match === null) return null;
  const text = Buffer.from(match[1]!, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? text : text.slice(0, colon);
}

export const bearerToken = (authorization: string | undefined): string | null =>
  /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1] ?? null;
