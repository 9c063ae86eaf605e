/**
 * Canonical JSON: keys sorted by code unit, two spaces, one newline at the end. Signed files are written in this
 * one form and refused in any other, so that no two readers can see two things in the same bytes.
 */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, sorted(value[key]!)]),
  );
}

/** @throws RangeError for a number that JSON cannot say. */
export function canonicalJson(value: JsonValue): string {
  return `${JSON.stringify(
    sorted(value),
    (_key, part: unknown) => {
      if (typeof part === 'number' && !Number.isFinite(part))
        throw new RangeError(`${part} has no place in canonical JSON.`);
      return part;
    },
    2,
  )}\n`;
}
