import type { Command } from 'commander';
import { commandInCluster } from '../cluster/customer-command';
import { askForEverybody } from '../cluster/rescore-everybody';
import { isInCluster, timeoutMs, targetOptions, type CommandTarget } from '../command-target';
import { lineOf } from '../consume/lines';
import { contextOf, withExamples, type Context } from '../context';
import { knownCustomer, openExistingForWork, stateDirectory, type OpenState } from '../embedded';
import { CliError, usageError } from '../errors';
import type { Io } from '../io';
import { carryOutCommand, startLanes } from '../lanes';
import { count } from '../output/format';
import { messageAsJson } from '../output/json';
import { wholeOption } from '../published/options';

interface Options extends CommandTarget {
  all?: boolean;
  rate: string;
}

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

async function rescoreInState(context: Context, id: string | undefined, { state: given }: Options) {
  const state = openExistingForWork(context, stateDirectory(context, given));
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
}

async function rescoreOneInCluster(context: Context, id: string, options: Options): Promise<void> {
  const { reporter } = context;
  const answer = await commandInCluster(context, 'rescore', id, timeoutMs(options));
  const score = answer.score!;
  await reporter.text(lineOf({ key: id, id: answer.id, type: 'rescore.score', body: score }));
  await reporter.result({ rescored: 1, id: answer.id, score: messageAsJson(score) });
}

/** Nobody waits for so many answers: lanes carry the commands out after what is before them. */
async function rescoreAllInCluster(context: Context, { rate }: Options): Promise<void> {
  const { reporter } = context;
  const asked = await askForEverybody(context, wholeOption('rate', rate), so => {
    if (so % SAID_EVERY === 0) reporter.note(`${count(so)} customers so far …`);
  });
  await reporter.text(
    `${count(asked)} ${asked === 1 ? 'customer' : 'customers'} will be rescored: the commands are in the log, \`rescore consume scores\` shows the answers ("by command").`,
  );
  await reporter.result({ asked });
  if (context.io.signal.aborted)
    throw new CliError('stopped', `Stopped by a signal after ${count(asked)} customers.`);
}

export function rescoreCommand(program: Command, io: Io): void {
  const command = program
    .command('rescore [customer]')
    .description('score one customer, or all, now: after new models or settings')
    .option('--all', 'every customer of the state');
  targetOptions(command)
    .option('--rate <n>', 'with --all --cluster: ask for so many customers a second', '1000')
    .action(async (id: string | undefined, options: Options, self: Command) => {
      if ((id === undefined) === (options.all !== true))
        throw usageError('Name one customer, or --all (not both).');
      const context = contextOf(io, self);
      if (!isInCluster(options)) await rescoreInState(context, id, options);
      else if (id === undefined) await rescoreAllInCluster(context, options);
      else await rescoreOneInCluster(context, id, options);
    });
  withExamples(command, [
    ['rescore rescore 00042 --state out/state', 'one customer; the score is published in any case'],
    ['rescore rescore --all --state out/state', 'everybody, as after a new model'],
    ['rescore rescore 00042 --cluster', 'on Kafka and Redis: waits for the score and prints it'],
    ['rescore rescore --all --cluster --rate 500', 'everybody there; the scores come as consumers see them'],
  ]);
}
