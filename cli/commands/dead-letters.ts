import type { Command } from 'commander';
import type { DeadLetter } from '../../schemas';
import { contextOf, withExamples, type Context } from '../context';
import { CliError } from '../errors';
import type { Io } from '../io';
import { bytes, count, instant } from '../output/format';
import { asJson } from '../output/json';
import { printable } from '../output/table';
import { bytesForPeople } from '../published/letter-bytes';
import { Counts, Newest } from '../published/newest';
import { instantOption, wholeOption } from '../published/options';
import { readPublished, type Published } from '../published/reading';
import { retryCommand } from './dead-letters-retry';

type Letter = Published<'dead-letters'>;

interface ListOptions {
  from?: string;
  code?: string;
  topic?: string;
  limit: string;
  state?: string;
}

const REASON_WIDTH = 100;
const shortened = (text: string): string =>
  text.length > REASON_WIDTH ? `${text.slice(0, REASON_WIDTH - 1)}…` : text;

/** Without the bytes: `show` has them. */
function summaryOf({ key, publishedAt, body }: Letter): Record<string, unknown> {
  const { bytes: _bytes, ...rest } = body;
  return { key, publishedAt: instant(publishedAt), ...rest };
}

async function list(context: Context, options: ListOptions): Promise<void> {
  const { reporter } = context;
  const newest = new Newest<Letter>(wholeOption('limit', options.limit));
  const counts = new Counts();
  const since = instantOption('from', options.from);
  const undecodable = await readPublished(
    context,
    'dead-letters',
    { since, ...(options.state === undefined ? {} : { state: options.state }) },
    letter => {
      const { source, code, stage } = letter.body;
      if (options.code !== undefined && code !== options.code) return;
      if (options.topic !== undefined && source.topic !== options.topic) return;
      counts.add(`${stage} ${code}`);
      newest.add({ ...letter, body: { ...letter.body, bytes: new Uint8Array(0) } });
    },
  );
  if (undecodable > 0) reporter.note(`${count(undecodable)} message(s) could not be decoded.`);
  await printCounts(context, counts);
  await printLetters(context, newest.items());
  await reporter.result({
    total: counts.total,
    counts: counts.entries().map(([kind, many]) => {
      const [stage, code] = kind.split(' ');
      return { stage, code, count: many };
    }),
    letters: newest.items().map(summaryOf),
  });
}

async function printCounts({ reporter }: Context, counts: Counts): Promise<void> {
  if (counts.total === 0) {
    await reporter.text('There are no dead letters.');
    return;
  }
  await reporter.table(
    [{ title: 'stage' }, { title: 'code' }, { title: 'count', right: true }],
    counts.entries().map(([kind, many]) => [...kind.split(' ').map(printable), count(many)]),
  );
}

async function printLetters({ reporter }: Context, letters: readonly Letter[]): Promise<void> {
  if (letters.length === 0) return;
  await reporter.text('');
  await reporter.table(
    [
      { title: 'source' },
      { title: 'published' },
      { title: 'stage' },
      { title: 'code' },
      { title: 'size', right: true },
      { title: 'reason' },
    ],
    letters.map(({ key, publishedAt, body }) => [
      printable(key),
      publishedAt === null ? '' : instant(publishedAt),
      body.stage,
      printable(body.code),
      bytes(body.size),
      printable(shortened(body.reason)),
    ]),
  );
}

function listCommand(letters: Command, io: Io): void {
  const command = letters
    .command('list')
    .description('count dead letters by stage and code, and list the newest')
    .option('--from <time>', 'published at or after this instant')
    .option('--code <code>', 'only this code, such as avro-schema-id')
    .option('--topic <topic>', 'only from this input topic')
    .option('--limit <n>', 'list so many; all are counted', '20')
    .option('--state <dir>', 'read a state instead of the cluster')
    .action(async (options: ListOptions, self: Command) => list(contextOf(io, self), options));
  withExamples(command, [
    ['rescore dead-letters list --from 2026-01-31T00:00:00Z', 'what has gone wrong since'],
    ['rescore dead-letters list --code avro-schema-id --limit 5', 'one kind'],
    ['rescore dead-letters list --state out/state', 'of the embedded engine'],
  ]);
}

interface ShowOptions {
  raw?: boolean;
  state?: string;
}

/** The newest letter about a source. `CliError` dead-letter-unknown. */
async function findLetter(context: Context, source: string, state: string | undefined): Promise<Letter> {
  const newest = new Newest<Letter>(1);
  const options = { since: null, ...(state === undefined ? {} : { state }) };
  await readPublished(context, 'dead-letters', options, letter => {
    if (letter.key === source) newest.add(letter);
  });
  const [letter] = newest.items();
  if (letter === undefined)
    throw new CliError('dead-letter-unknown', `There is no dead letter about ${JSON.stringify(source)}.`);
  return letter;
}

function linesOf({ key, publishedAt, body }: Letter): [string, string][] {
  const { origin, stage, code, reason, size, digest, bytes: kept } = body;
  return [
    ['source', printable(key)],
    ...(origin === null ? [] : ([['origin', printable(origin)]] as [string, string][])),
    ...(publishedAt === null ? [] : ([['published', instant(publishedAt)]] as [string, string][])),
    ['stage', stage],
    ['code', printable(code)],
    ['reason', printable(reason)],
    [
      'size',
      kept.length < size
        ? `${count(size)} bytes, the first ${count(kept.length)} are kept`
        : `${count(size)} bytes`,
    ],
    ['digest', `sha256:${printable(digest)}`],
  ];
}

async function show(context: Context, source: string, options: ShowOptions): Promise<void> {
  const { io, reporter } = context;
  const letter = await findLetter(context, source, options.state);
  const { body } = letter;
  if (options.raw) {
    io.stdout.write(body.bytes);
    return;
  }
  for (const [name, value] of linesOf(letter)) await reporter.text(`${name.padEnd(10)} ${value}`);
  await reporter.text('');
  await reporter.text(bytesForPeople(body.bytes));
  await reporter.result({
    key: letter.key,
    publishedAt: instant(letter.publishedAt),
    ...asJson(body),
  } satisfies Partial<Record<keyof DeadLetter | 'key' | 'publishedAt', unknown>>);
}

function showCommand(letters: Command, io: Io): void {
  const command = letters
    .command('show <source>')
    .description('why a record could not be used, and its bytes; the source is topic/partition/offset')
    .option('--raw', 'write only the bytes that are kept')
    .option('--state <dir>', 'read a state instead of the cluster')
    .action(async (source: string, options: ShowOptions, self: Command) =>
      show(contextOf(io, self), source, options),
    );
  withExamples(command, [
    ['rescore dead-letters show web-events/3/42', 'reason, origin, and the bytes as text or hexadecimal'],
    ['rescore dead-letters show web-events/3/42 --raw > record.avro', 'the bytes themselves'],
  ]);
}

export function deadLettersCommand(program: Command, io: Io): void {
  const letters = program
    .command('dead-letters')
    .description('look at records that could not be used, and send them again once the cause is mended');
  listCommand(letters, io);
  showCommand(letters, io);
  retryCommand(letters, io);
}
