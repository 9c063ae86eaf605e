import { Option, type Command } from 'commander';
import { asOfOf, CATALOGUE, toVector, type Customer } from '../../processors/core';
import { contextOf, withExamples, type Context } from '../context';
import { explanationsOf, type ModelExplanation } from '../customer/contributions';
import { sayWhy, valueText } from '../customer/said-contributions';
import { customerInWords, nextWords } from '../customer/words';
import { featuresAsJson, ledgerAsJson } from '../customer/portrait';
import type { RecordedOptions } from '../consistency/open';
import { explainScore } from '../consistency/explain-score';
import { usageError } from '../errors';
import { knownCustomer, openForReading, stateDirectory, type OpenState } from '../embedded';
import type { Io } from '../io';
import { modelsPlace } from '../models/registry';
import { instant, money, share } from '../output/format';
import { printable } from '../output/table';
import { coreSettings } from '../settings';

/** By the models that are in force now. Null, and said so, when they cannot be opened: the facts are shown all the same. */
async function why(context: Context, customer: Customer): Promise<ModelExplanation[] | null> {
  const { io, reporter, settings } = context;
  try {
    const scorer = await io.openScorer(modelsPlace(io, settings.values));
    try {
      const vector = toVector(customer.facts, asOfOf(customer));
      return await explanationsOf(scorer, vector, coreSettings(settings.values).currency);
    } finally {
      await scorer.release();
    }
  } catch (error) {
    reporter.note(
      `The models cannot explain this: ${error instanceof Error ? error.message : String(error)}`,
    );
    return null;
  }
}

async function explain(state: OpenState, context: Context, id: string): Promise<void> {
  const { reporter, settings } = context;
  const { colours } = reporter;
  const core = coreSettings(settings.values);
  const customer = knownCustomer(state, id);
  const asOf = asOfOf(customer);
  const features = featuresAsJson(customer.facts, asOf);
  const words = customerInWords(customer, features, asOf, core);
  const next = nextWords(customer, asOf, core);
  const { newest, alerts } = customer.ledger;
  const explanations = await why(context, customer);
  await reporter.result({
    customerId: id,
    asOf: instant(asOf),
    words,
    features,
    ...ledgerAsJson(customer),
    next,
    explanations,
  });

  await reporter.text(colours.bold(`Customer ${printable(id)}, as of ${instant(asOf)}`));
  for (const line of words) await reporter.text(`  ${line}`);
  await reporter.text(colours.bold('\nScores'));
  if (newest)
    await reporter.text(
      `  engagement ${newest.engagement.toFixed(3)} (expected share of active days in the next 30), ` +
        `churn ${share(newest.churn30d)} (no activity in the next 30 days),\n` +
        `  lifetime value ${money(newest.ltvMinor, core.currency)} (net to date and expected in 180 days); ` +
        `segment ${newest.segment}, ${newest.status}; computed as of ${instant(newest.asOf)}.`,
    );
  else await reporter.text('  None yet.');
  if (explanations !== null) await sayWhy(reporter, explanations);
  await reporter.text(colours.bold('\nAlerts in force'));
  for (const alert of alerts)
    await reporter.text(
      `  ${colours.red(alert.kind)} since ${instant(alert.since)} (alert ${alert.alertId})`,
    );
  if (alerts.length === 0) await reporter.text('  None.');
  await reporter.text(colours.bold('\nWhat time alone will change'));
  for (const line of next) await reporter.text(`  ${line}`);
  await reporter.text(colours.bold('\nFeatures'));
  await reporter.table(
    [{ title: 'feature' }, { title: 'value', right: true }, { title: 'meaning' }],
    CATALOGUE.map(feature => [feature.name, valueText(features[feature.name]), feature.meaning]),
  );
}

interface ExplainOptions extends RecordedOptions {
  state?: string;
  score?: string;
}

export function explainCommand(program: Command, io: Io): void {
  const command = program
    .command('explain [customer]')
    .description('facts in words, scores and why, alerts, the next change, and every feature with its value')
    .option('--state <dir>', 'state to read (default: the setting state.directory)')
    .option('--score <id>', 'instead of a customer: a published score, computed again from the archive')
    .option('--scores <file>', 'with --score: scores.jsonl of a replay instead of the archive, with --inputs')
    .option('--inputs <file...>', 'the files that the replay read')
    .option('--map <map>', 'mapping of the columns of --inputs')
    .addOption(new Option('--format <format>', 'format of --inputs').choices(['segment']))
    .action(async (customer: string | undefined, options: ExplainOptions, self: Command) => {
      const context = contextOf(io, self);
      if ((customer === undefined) === (options.score === undefined))
        throw usageError('Name a customer, or a published score with --score.');
      if (customer === undefined) return explainScore(context, options.score!, options);
      const state = openForReading(stateDirectory(context, options.state));
      try {
        await explain(state, context, customer);
      } finally {
        await state.close();
      }
    });
  withExamples(command, [
    ['rescore explain 00042 --state out/state', 'one customer of a replay'],
    [
      'rescore explain --score 3f2a…',
      'facts as they were, the vector, and whether the models of that day say the same again',
    ],
    ['rescore --json explain anon:7f3a --state out/state', 'an anonymous one, for a program'],
  ]);
}
