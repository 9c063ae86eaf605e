/**
 * Counts on the CDNOW file, written apart from the product on purpose: it shares no code with it, so that the tests
 * compare two answers. One order a row, at noon UTC of its day.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const DAY = 24 * 60 * 60 * 1000;

/** The folder of real data sets, or null (and a loud word) where there is none. */
export function realData(...path: string[]): string | null {
  const root = process.env['RESCORE_DATA'] ?? resolve(__dirname, '..', '..', '..', 'shared', 'data');
  const file = join(root, ...path);
  if (existsSync(file)) return file;
  process.stderr.write(
    `\n!!! SKIPPED: ${path.join('/')} is not in RESCORE_DATA or ../shared/data; these tests did not run.\n\n`,
  );
  return null;
}

export interface Silence {
  customerId: string;
  /** The midnight at which the last activity became older than 30 days. */
  since: number;
  /** Noon of the next order, if there ever was one. */
  endedAt: number | null;
}

export interface CdnowCount {
  rows: number;
  cents: bigint;
  customers: number;
  silences: Silence[];
}

/** Everything up to `until`, inclusive: a silence that begins at that very midnight counts. */
export function countCdnow(file: string, until: number): CdnowCount {
  const perCustomer = new Map<string, number[]>();
  let rows = 0;
  let cents = 0n;
  for (const line of readFileSync(file, 'utf8').split('\n').slice(1)) {
    const [customer, date, , dollars] = line.trim().split(/\s+/);
    if (!dollars) continue;
    rows++;
    const [whole, fraction = ''] = dollars.split('.');
    cents += BigInt(whole) * 100n + BigInt(fraction.padEnd(2, '0').slice(0, 2));
    const day =
      Date.UTC(Number(date.slice(0, 4)), Number(date.slice(4, 6)) - 1, Number(date.slice(6, 8))) / DAY;
    perCustomer.set(customer, [...(perCustomer.get(customer) ?? []), day]);
  }
  const silences: Silence[] = [];
  for (const [customerId, days] of perCustomer) {
    const sorted = [...new Set(days)].sort((a, b) => a - b);
    sorted.forEach((day, index) => {
      const next = sorted[index + 1];
      const since = (day + 31) * DAY;
      if ((next === undefined || next - day >= 31) && since <= until)
        silences.push({ customerId, since, endedAt: next === undefined ? null : (next + 0.5) * DAY });
    });
  }
  return { rows, cents, customers: perCustomer.size, silences };
}
