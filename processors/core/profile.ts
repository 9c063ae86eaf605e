/** Profile and attributes: registers that keep the newest. */
import type { CustomerFacts, ProfileRegisters, Register } from './facts';
import { LIMIT } from './facts';
import { cutText } from './bytes';
import type { Hash64 } from './hash';
import type { AttributesInput, ProfileInput } from './types';

export const PROFILE_FIELDS = [
  'createdAt',
  'accountType',
  'location',
  'profileCompleteness',
  'skills',
  'ageBand',
  'gender',
  'anonymousId',
] as const;

export function applyProfile(facts: CustomerFacts, input: ProfileInput, messageId: Hash64): void {
  for (const field of PROFILE_FIELDS) {
    const value = field === 'anonymousId' ? input.anonymousId : input.fields[field];
    if (value === null) continue;
    const kept = typeof value === 'string' ? cutText(value, LIMIT.textBytes) : value;
    keepNewest(facts.profile, field, { at: input.eventAt, hi: messageId.hi, lo: messageId.lo, value: kept });
  }
}

function keepNewest(
  profile: ProfileRegisters,
  field: (typeof PROFILE_FIELDS)[number],
  added: Register<string | number>,
): void {
  const held: Register<string | number> | undefined = profile[field];
  if (held !== undefined && compareRegisters(held, added) >= 0) return;
  (profile as Record<string, Register<string | number>>)[field] = added;
}

/** By (time, message id, value): a total order, so that the newest is the same in any order of arrival. */
function compareRegisters(a: Register<string | number>, b: Register<string | number>): number {
  return a.at - b.at || a.hi - b.hi || a.lo - b.lo || (a.value < b.value ? -1 : a.value > b.value ? 1 : 0);
}

/** The newest `computedAt` wins; at one instant the larger values, so that ties converge too. */
export function applyAttributes(facts: CustomerFacts, input: AttributesInput): void {
  const held = facts.attributes;
  const order =
    held === null
      ? -1
      : held.computedAt - input.computedAt ||
        compareNullable(held.networkCentrality, input.networkCentrality) ||
        compareNullable(held.avgConnectionStrength, input.avgConnectionStrength);
  if (order >= 0) return;
  const { computedAt, networkCentrality, avgConnectionStrength } = input;
  facts.attributes = { computedAt, networkCentrality, avgConnectionStrength };
}

const compareNullable = (a: number | null, b: number | null): number =>
  a === b ? 0 : a === null ? -1 : b === null ? 1 : a - b;
