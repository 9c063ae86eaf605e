/** What the rows of all files add up to: every row is in exactly one of these. */
import type { CustomerInput } from '../../processors/core';
import type { MinorUnits } from '../../schemas';

export interface IntakeTally {
  /** Rows of the files, headers and empty lines apart. */
  rows: number;
  /** Rows that could not be used. */
  deadLetters: number;
  /** `group` and `alias` calls, and rows that a mapping leaves out: nothing to score. */
  ignored: number;
  webEvents: number;
  orderMessages: number;
  profiles: number;
  attributes: number;
  /** Sum of the amounts of completed orders as they were read, before duplicates, updates and refunds. */
  completedMinor: MinorUnits;
}

export const emptyTally = (): IntakeTally => ({
  rows: 0,
  deadLetters: 0,
  ignored: 0,
  webEvents: 0,
  orderMessages: 0,
  profiles: 0,
  attributes: 0,
  completedMinor: 0,
});

export function addTallies(a: IntakeTally, b: IntakeTally): IntakeTally {
  const sum = emptyTally();
  for (const name of Object.keys(sum) as (keyof IntakeTally)[]) sum[name] = a[name] + b[name];
  return sum;
}

export function tallyInput(tally: IntakeTally, input: CustomerInput): void {
  tally.rows++;
  switch (input.kind) {
    case 'activity':
      tally.webEvents++;
      return;
    case 'order':
      tally.orderMessages++;
      if (input.action === 'completed') tally.completedMinor += input.amountMinor ?? 0;
      return;
    case 'profile':
      tally.profiles++;
      return;
    default:
      tally.attributes++;
  }
}
