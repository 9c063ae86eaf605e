import type { Command } from 'commander';
import { contextOf, withExamples } from '../context';
import { knownCustomer, openExistingForWork, stateDirectory, type OpenState } from '../embedded';
import { usageError } from '../errors';
import type { Io } from '../io';
import { carryOutCommand, startLanes } from '../lanes';
import { count } from '../output/format';

const PAGE = 1_000;
/** Customers between two lines of progress: how many there are in all is known at the end. */
const SAID_EVERY = 10 * PAGE;

/** Ids in pages, so that a page is done before the next is read. */
async function* pagesOfEveryone(state: OpenState): AsyncGenerator<string[]> {
  let page: string[] = [];
  for await (const { customer } of state.everyone()) {
    page.push(customer.id);
    if (page.length === PAGE) {
      yield page;
      page = [];
    }
  }
  if (page.length > 0) yield page;
}

export function rescoreCommand(program: Command, io: Io): void {
  const command = program
    .command('rescore [customer]')
    .description('score one customer, or all, now: after new models or settings')
    .option('--all', 'every customer of the state')
    .option('--state <dir>', 'state to change (default: the setting state.directory)')
    .action(async (id: string | undefined, options: { all?: boolean; state?: string }, self: Command) => {
      if ((id === undefined) === (options.all !== true))
        throw usageError('Name one customer, or --all (not both).');
      const context = contextOf(io, self);
      const state = openExistingForWork(context, stateDirectory(context, options.state));
      try {
        if (id !== undefined) knownCustomer(state, id);
        const engine = await startLanes(context, state);
        let rescored = 0;
        for await (const page of id === undefined ? pagesOfEveryone(state) : [[id]]) {
          await carryOutCommand(context, engine, 'rescore', page);
          rescored += page.length;
          if (rescored % SAID_EVERY === 0) context.reporter.note(`${count(rescored)} customers so far …`);
        }
        await engine.close();
        await context.reporter.text(
          `${count(rescored)} ${rescored === 1 ? 'customer was' : 'customers were'} rescored.`,
        );
        await context.reporter.result({ rescored });
      } finally {
        await state.close();
      }
    });
  withExamples(command, [
    ['rescore rescore 00042 --state out/state', 'one customer; the score is published in any case'],
    ['rescore rescore --all --state out/state', 'everybody, as after a new model'],
  ]);
}
