import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { Compression } from '../../streams/kafka';
import { withKafka } from '../cluster/admin';
import { openCodec } from '../cluster/codec';
import { contextOf, withExamples, type Context } from '../context';
import { CliError, usageError } from '../errors';
import type { Io } from '../io';
import { count } from '../output/format';
import { printable } from '../output/table';
import { instantOption } from '../published/options';
import { readPublished } from '../published/reading';
import { retryAll, type RetryItem, type RetryReport } from '../published/retry';

interface Options {
  all?: boolean;
  code?: string;
  topic?: string;
  from?: string;
  yes?: boolean;
}

/** Refusals beyond these are only counted. */
const NAMED = 20;

/** Letters that are meant, each source once: the newest letter about it. */
async function findItems(
  context: Context,
  source: string | undefined,
  options: Options,
): Promise<RetryItem[]> {
  const items = new Map<string, RetryItem>();
  const since = instantOption('from', options.from);
  await readPublished(context, 'dead-letters', { since }, ({ key, place, body }) => {
    if (source !== undefined && key !== source) return;
    if (options.code !== undefined && body.code !== options.code) return;
    if (options.topic !== undefined && body.source.topic !== options.topic) return;
    items.set(key, { source: body.source, digest: body.digest, letter: place! });
  });
  if (items.size === 0)
    throw new CliError(
      'dead-letter-unknown',
      source === undefined
        ? 'No dead letter is like that.'
        : `There is no dead letter about ${JSON.stringify(source)}.`,
    );
  return [...items.values()];
}

/** Only a person at a terminal can be asked. */
async function confirmed({ io }: Context, items: readonly RetryItem[], code: string): Promise<boolean> {
  const what = `${count(items.length)} record(s) with the code ${code}`;
  if (!io.terminal) throw usageError(`This would send ${what} again: add --yes.`);
  const prompt = createInterface({ input: io.stdin, output: io.stderr });
  try {
    const answer = await prompt.question(`Send ${what} again? [y/N] `, { signal: io.signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}

function checkUse(source: string | undefined, options: Options): void {
  if ((source === undefined) === (options.all !== true))
    throw usageError('Name one source, or --all (not both).');
  if (options.all && options.code === undefined)
    throw usageError('Name the --code that was mended: the others would only come back.');
}

async function retry(context: Context, source: string | undefined, options: Options): Promise<void> {
  checkUse(source, options);
  const { io, reporter, settings } = context;
  const { values } = settings;
  const items = await findItems(context, source, options);
  if (options.all && !options.yes && !(await confirmed(context, items, options.code!))) {
    await reporter.text('Nothing was sent.');
    return;
  }
  const codec = await openCodec(values, io.clock, 'reads');
  const report = await withKafka(context, kafka =>
    retryAll(kafka, items, {
      topicPrefix: values['kafka.topicPrefix'],
      compression: values['kafka.compression'] as Compression,
      codec,
      clock: io.clock,
      signal: io.signal,
    }),
  );
  await print(context, report);
}

async function print({ reporter }: Context, report: RetryReport): Promise<void> {
  const { sent, withoutKey, refused } = report;
  await reporter.text(`${count(sent)} record(s) were sent again.`);
  if (withoutKey > 0)
    await reporter.text(
      `${count(withoutKey)} of them without a key: their records are not retained any more.`,
    );
  await reporter.result(report);
  for (const { source, reason } of refused.slice(0, NAMED))
    reporter.note(`${printable(source)} was not sent: ${printable(reason)}.`);
  if (refused.length > 0)
    throw new CliError('retry-refused', `${count(refused.length)} record(s) were not sent again.`);
}

export function retryCommand(letters: Command, io: Io): void {
  const command = letters
    .command('retry [source]')
    .description('send the records of dead letters to their topics again, with their keys and headers')
    .option('--all', 'every letter with the --code')
    .option('--code <code>', 'only letters with this code')
    .option('--topic <topic>', 'only from this input topic')
    .option('--from <time>', 'only letters that were published at or after this instant')
    .option('--yes', 'do not ask')
    .action(async (source: string | undefined, options: Options, self: Command) =>
      retry(contextOf(io, self), source, options),
    );
  withExamples(command, [
    ['rescore dead-letters retry web-events/3/42', 'one record'],
    ['rescore dead-letters retry --all --code unknown-currency --yes', 'after the cause was mended'],
  ]);
}
