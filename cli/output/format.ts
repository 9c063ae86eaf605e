/** Numbers, money, instants and durations as a person reads them. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, type EpochMs, type MinorUnits } from '../../schemas';

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export const count = (value: number): string => grouped.format(value);

/** Digits of the minor unit, as ISO 4217 has them: 2 for USD, 0 for JPY. */
const minorDigits = (currency: string): number =>
  new Intl.NumberFormat('en-US', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ??
  2;

/** `2500315.63 USD` with groups: from integers, so that no cent is rounded away. */
export function money(minor: MinorUnits, currency: string): string {
  const digits = minorDigits(currency);
  const text = Math.abs(minor)
    .toString()
    .padStart(digits + 1, '0');
  const whole = grouped.format(BigInt(text.slice(0, text.length - digits)));
  const fraction = digits > 0 ? `.${text.slice(-digits)}` : '';
  return `${minor < 0 ? '-' : ''}${whole}${fraction} ${currency}`;
}

export const instant = (at: EpochMs | null): string =>
  at === null || !Number.isFinite(at) ? 'never' : new Date(at).toISOString().replace('.000Z', 'Z');

export const share = (value: number): string => `${(value * 100).toFixed(1)} %`;

/** The two largest units: `3 d 4 h`, `1.5 s`. */
export function duration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ${Math.round((ms % MINUTE_MS) / SECOND_MS)} s`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)} h ${Math.round((ms % HOUR_MS) / MINUTE_MS)} min`;
  return `${Math.floor(ms / DAY_MS)} d ${Math.round((ms % DAY_MS) / HOUR_MS)} h`;
}

export const bytes = (value: number): string =>
  value < 1_024
    ? `${Math.round(value)} B`
    : value < 1_048_576
      ? `${(value / 1_024).toFixed(2)} KB`
      : `${(value / 1_048_576).toFixed(1)} MB`;
