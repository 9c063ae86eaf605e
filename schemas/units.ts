/** Units that the whole product shares. The optional brands document a plain value without a cast at every use. */

/** Milliseconds since 1970-01-01T00:00:00Z, an integer. */
export type EpochMs = number & { readonly __unit?: 'EpochMs' };
/** Whole UTC days since 1970-01-01. */
export type EpochDay = number & { readonly __unit?: 'EpochDay' };
/** Whole minor units of a currency (cents). */
export type MinorUnits = number & { readonly __unit?: 'MinorUnits' };
/** `userId`, or `anon:` followed by the anonymous id. */
export type CustomerId = string & { readonly __unit?: 'CustomerId' };

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** The largest instant that counts as "never": JSON and Avro carry it as null. */
export const NEVER: EpochMs = Number.POSITIVE_INFINITY;

export const dayOf = (at: EpochMs): EpochDay => Math.floor(at / DAY_MS);
export const midnight = (day: EpochDay): EpochMs => day * DAY_MS;
