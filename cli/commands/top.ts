import { Option, type Command } from 'commander';
import type { Customer, ScoreValues } from '../../processors/core';
import { contextOf, withExamples } from '../context';
import { openForReading, stateDirectory } from '../embedded';
import { usageError } from '../errors';
import type { Io } from '../io';
import { instant, money, share } from '../output/format';
import { printable } from '../output/table';

const ORDERS = { churn: 'churn30d', ltv: 'ltvMinor', engagement: 'engagement' } as const;
type By = keyof typeof ORDERS;

interface Ranked {
  customerId: string;
  values: ScoreValues;
  alerts: string[];
}

/** Keeps the `limit` largest, so that a million customers take the memory of a few. */
function place(best: Ranked[], candidate: Ranked, by: By, limit: number): void {
  const field = ORDERS[by];
  const before = (a: Ranked, b: Ranked): boolean =>
    a.values[field] !== b.values[field] ? a.values[field] > b.values[field] : a.customerId < b.customerId;
  let at = best.length;
  while (at > 0 && before(candidate, best[at - 1])) at--;
  if (at >= limit) return;
  best.splice(at, 0, candidate);
  best.length = Math.min(best.length, limit);
}

const ranked = (customer: Customer): Ranked | null => {
  const values = customer.ledger.newest;
  return (
    values && { customerId: customer.id, values, alerts: customer.ledger.alerts.map(alert => alert.kind) }
  );
};

export function topCommand(program: Command, io: Io): void {
  const command = program
    .command('top')
    .description('the customers with the highest score of a kind')
    .addOption(new Option('--by <score>', 'score to rank by').choices(Object.keys(ORDERS)).default('churn'))
    .option('--limit <n>', 'how many', '20')
    .option('--state <dir>', 'state to read (default: the setting state.directory)')
    .action(async (options: { by: By; limit: string; state?: string }, self: Command) => {
      const { reporter, settings } = contextOf(io, self);
      const limit = Number(options.limit);
      if (!Number.isInteger(limit) || limit < 1 || limit > 100_000)
        throw usageError(`--limit ${options.limit} is not a whole number from 1 to 100000.`);
      const state = openForReading(stateDirectory(contextOf(io, self), options.state));
      const best: Ranked[] = [];
      try {
        for await (const { customer } of state.everyone()) {
          const candidate = ranked(customer);
          if (candidate) place(best, candidate, options.by, limit);
        }
      } finally {
        await state.close();
      }
      const { currency } = settings.values;
      await reporter.table(
        [
          { title: 'customer' },
          { title: 'churn', right: true },
          { title: 'lifetime value', right: true },
          { title: 'engagement', right: true },
          { title: 'segment' },
          { title: 'alerts' },
          { title: 'as of' },
        ],
        best.map(({ customerId, values, alerts }) => [
          printable(customerId),
          share(values.churn30d),
          money(values.ltvMinor, currency),
          values.engagement.toFixed(3),
          values.segment,
          alerts.join(', '),
          instant(values.asOf),
        ]),
      );
      await reporter.result(
        best.map(({ values, ...rest }) => ({ ...rest, ...values, asOf: instant(values.asOf) })),
      );
    });
  withExamples(command, [
    ['rescore top --by churn --state out/state', 'who is most likely to be gone for 30 days'],
    ['rescore --json top --by ltv --limit 100 --state out/state', 'the hundred most valuable, for a program'],
  ]);
}
