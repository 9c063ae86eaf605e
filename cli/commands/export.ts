import type { Command } from 'commander';
import { asOfOf } from '../../processors/core';
import { OUTPUT_TOPICS } from '../../schemas';
import { contextOf, withExamples } from '../context';
import { factsAsJson, featuresAsJson, ledgerAsJson } from '../customer/portrait';
import { knownCustomer, openForReading, stateDirectory, type OpenState } from '../embedded';
import { write, type Io } from '../io';
import { instant } from '../output/format';

async function everythingAbout(state: OpenState, id: string): Promise<Record<string, unknown>> {
  const customer = knownCustomer(state, id);
  const asOf = asOfOf(customer);
  const published: Record<string, unknown[]> = {};
  for (const topic of OUTPUT_TOPICS) published[topic] = state.outputsOf(topic, id);
  return {
    customerId: id,
    asOf: instant(asOf),
    facts: factsAsJson(customer.facts),
    features: featuresAsJson(customer.facts, asOf),
    scores: ledgerAsJson(customer),
    // Only what the log still keeps: see the setting state.logRetentionDays.
    inputs: await state.inputsOf(id),
    published,
  };
}

export function exportCommand(program: Command, io: Io): void {
  const command = program
    .command('export <customer>')
    .description(
      'all that is known of one person, as JSON: facts, features, scores, and what the log still keeps',
    )
    .option('--state <dir>', 'state to read (default: the setting state.directory)')
    .action(async (customer: string, options: { state?: string }, self: Command) => {
      const state = openForReading(stateDirectory(contextOf(io, self), options.state));
      try {
        await write(io.stdout, `${JSON.stringify(await everythingAbout(state, customer), null, 2)}\n`);
      } finally {
        await state.close();
      }
    });
  withExamples(command, [
    ['rescore export 00042 --state out/state > 00042.json', 'the answer to a request for access'],
  ]);
}
