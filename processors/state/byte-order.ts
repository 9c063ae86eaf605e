/** The order in which a store of bytes keeps its ids: by UTF-8, which is the order of code points. */
import type { CustomerId } from '../../schemas';

const SURROGATES = 0xd800;
const AFTER_SURROGATES = 0xe000;

/** Above U+FFFF, UTF-16 writes surrogates that sort below U+E000 to U+FFFF; UTF-8 sorts them above. */
const rank = (unit: number): number =>
  unit < SURROGATES ? unit : unit < AFTER_SURROGATES ? unit + 0x10000 : unit;

/** Negative when `a` comes first, 0 when they are the same. */
export function compareIds(a: CustomerId, b: CustomerId): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const difference = rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Index of the first entry for which `isAfter` holds; the entries are in order. */
export function firstAfter<T>(entries: readonly T[], isAfter: (entry: T) => boolean): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAfter(entries[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
