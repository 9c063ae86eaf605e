/** Reading single fields of JSON, with errors that name the field and say what to send instead. */
import type { EpochMs, MinorUnits } from '../../schemas';
import { RowError } from '../rows';

export type Json = Record<string, unknown>;

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

export function asObject(value: unknown, field: string): Json {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new RowError('malformed-field', `${field} is ${show(value)}; send an object.`);
  return value as Json;
}

/** Text, or a number as text; null when absent or empty. */
export function asText(value: unknown, field: string): string | null {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  throw new RowError('malformed-field', `${field} is ${show(value)}; send text.`);
}

/** A number, or text that is one; null when absent. */
export function asNumber(value: unknown, field: string): number | null {
  if (value === undefined || value === null || value === '') return null;
  const number = typeof value === 'string' ? Number(value.trim()) : value;
  if (typeof number !== 'number' || !Number.isFinite(number))
    throw new RowError('malformed-field', `${field} is ${show(value)}; send a number.`);
  return number;
}

export function asBoolean(value: unknown, field: string): boolean | null {
  if (value === undefined || value === null) return null;
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw new RowError('malformed-field', `${field} is ${show(value)}; send true or false.`);
}

const ISO = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?$/;

/** The last instant that a date can be. */
const LAST_INSTANT = 8.64e15;

/** An ISO 8601 time (without a zone: UTC) or epoch milliseconds; null when absent. */
export function asInstant(value: unknown, field: string): EpochMs | null {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'number' && Math.abs(value) <= LAST_INSTANT) return Math.floor(value);
  const instant = typeof value === 'string' ? parseInstant(value.trim()) : NaN;
  if (Number.isNaN(instant))
    throw new RowError(
      'malformed-time',
      `${field} is ${show(value)}; send an ISO 8601 time such as 2026-01-31T12:00:00Z, or milliseconds.`,
    );
  return instant;
}

export function parseInstant(text: string): EpochMs {
  if (/^-?\d{9,}$/.test(text)) return Number(text);
  if (!ISO.test(text)) return NaN;
  const zoned = /(Z|UTC|[+-]\d{2}:?\d{2})$/.test(text) && text.length > 10;
  const iso = text.replace(' UTC', 'Z').replace('UTC', 'Z').replace(' ', 'T');
  return Date.parse(zoned || text.length === 10 ? iso : `${iso}Z`);
}

/** Decimals that a currency's minor unit has (ISO 4217); two where the platform knows no better. */
const decimals = new Map<string, number>();
export function currencyDecimals(currency: string | null): number {
  if (currency === null) return 2;
  let digits = decimals.get(currency);
  if (digits === undefined) {
    digits =
      new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ??
      2;
    decimals.set(currency, digits);
  }
  return digits;
}

/** An amount in major units as whole minor units, exact for what was meant in decimals; null when absent. */
export function asMoney(value: unknown, field: string, currency: string | null): MinorUnits | null {
  const number = asNumber(typeof value === 'string' ? value.replace(/^[$€£¥]\s*/, '') : value, field);
  if (number === null) return null;
  const minor = Math.round(number * 10 ** currencyDecimals(currency));
  if (!Number.isSafeInteger(minor))
    throw new RowError(
      'out-of-range',
      `${field} is ${show(value)}; send an amount below 90,000,000,000,000.`,
    );
  return minor + 0;
}

export function asCurrency(value: unknown, field: string): string | null {
  const text = asText(value, field)?.toUpperCase() ?? null;
  if (text !== null && !/^[A-Z]{3}$/.test(text))
    throw new RowError('malformed-field', `${field} is ${show(value)}; send an ISO 4217 code such as USD.`);
  return text;
}
