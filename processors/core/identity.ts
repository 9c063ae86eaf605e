/** Who an input is about. Ids that stand for nobody are refused: one of them would merge all visitors into one. */
import type { CustomerId } from '../../schemas';

export const ANONYMOUS_PREFIX = 'anon:';
const MAX_ID_BYTES = 128;

/** Lower-case texts that trackers send for "nobody"; a setting. */
export const REFUSED_IDS: readonly string[] = ['null', 'undefined', '0', 'guest', 'anonymous', ''];

export type Refusal = { ok: false; code: InputErrorCode; reason: string };

/** Why an input can't be used: stable codes, each explained in docs/errors.md. */
export type InputErrorCode =
  | 'missing-id'
  | 'refused-id'
  | 'malformed-id'
  | 'missing-message-id'
  | 'time-before-floor'
  | 'missing-order'
  | 'missing-amount'
  | 'unknown-currency'
  | 'out-of-range'
  | 'malformed-command'
  | 'malformed-mail';

export const refuse = (code: InputErrorCode, reason: string): Refusal => ({ ok: false, code, reason });

/** Printable: no control characters, no lone surrogates, at most 128 bytes of UTF-8. */
function malformed(id: string): string | null {
  let bytes = 0;
  for (const character of id) {
    const code = character.codePointAt(0)!;
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 'has a control character';
    if (code >= 0xd800 && code <= 0xdfff) return 'is not well-formed Unicode';
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes > MAX_ID_BYTES ? `is ${bytes} bytes long, at most ${MAX_ID_BYTES} are allowed` : null;
}

/** `null` when the id may be used, else what is wrong with it. */
export function checkId(field: string, id: string, refusedIds: ReadonlySet<string>): Refusal | null {
  if (refusedIds.has(id.trim().toLowerCase()))
    return refuse('refused-id', `${field} "${id}" stands for nobody. Send a real id, or leave ${field} out.`);
  const fault = malformed(id);
  return fault === null
    ? null
    : refuse('malformed-id', `${field} ${fault}. Send at most 128 bytes of printable text.`);
}

/** Customer id = `userId`, else `anon:` + `anonymousId`. */
export function customerIdOf(
  userId: string | null,
  anonymousId: string | null,
  refusedIds: ReadonlySet<string>,
): { ok: true; customerId: CustomerId } | Refusal {
  if (userId !== null) {
    const fault = checkId('userId', userId, refusedIds);
    if (fault !== null) return fault;
    if (userId.startsWith(ANONYMOUS_PREFIX))
      return refuse(
        'refused-id',
        `userId begins with "${ANONYMOUS_PREFIX}", which marks anonymous customers. Send it as anonymousId.`,
      );
    return { ok: true, customerId: userId };
  }
  if (anonymousId === null)
    return refuse('missing-id', 'userId and anonymousId are both missing. Send one of them.');
  const fault = checkId('anonymousId', anonymousId, refusedIds);
  return fault ?? { ok: true, customerId: ANONYMOUS_PREFIX + anonymousId };
}
