import type { Command } from 'commander';
import { contextOf, withExamples, type Context } from '../context';
import type { Io } from '../io';
import { count, duration, instant } from '../output/format';
import { asJson } from '../output/json';
import { printable } from '../output/table';
import { Counts, Newest } from '../published/newest';
import { instantOption, wholeOption } from '../published/options';
import { readPublished, type Published } from '../published/reading';

interface Options {
  from?: string;
  topic?: string;
  limit: string;
  state?: string;
}

type Late = Published<'late-events'>;

async function list(context: Context, options: Options): Promise<void> {
  const { reporter } = context;
  const newest = new Newest<Late>(wholeOption('limit', options.limit));
  const counts = new Counts();
  const since = instantOption('from', options.from);
  const undecodable = await readPublished(
    context,
    'late-events',
    { since, ...(options.state === undefined ? {} : { state: options.state }) },
    late => {
      if (options.topic !== undefined && late.body.source.topic !== options.topic) return;
      counts.add(late.body.lateFor);
      newest.add(late);
    },
  );
  if (undecodable > 0) reporter.note(`${count(undecodable)} message(s) could not be decoded.`);
  await print(context, counts, newest.items());
  await reporter.result({
    total: counts.total,
    counts: counts.entries().map(([lateFor, many]) => ({ lateFor, count: many })),
    events: newest
      .items()
      .map(({ publishedAt, body }) => ({ publishedAt: instant(publishedAt), ...asJson(body) })),
  });
}

async function print({ reporter }: Context, counts: Counts, events: readonly Late[]): Promise<void> {
  if (counts.total === 0) {
    await reporter.text('No event came too late.');
    return;
  }
  await reporter.table(
    [{ title: 'too late for' }, { title: 'count', right: true }],
    counts.entries().map(([lateFor, many]) => [lateFor, count(many)]),
  );
  await reporter.text('');
  await reporter.table(
    [
      { title: 'source' },
      { title: 'customer' },
      { title: 'event' },
      { title: 'happened' },
      { title: 'late by', right: true },
      { title: 'too late for' },
    ],
    events.map(({ body: { source, customerId, name, eventAt, lateByMs, lateFor } }) => [
      `${source.topic}/${source.partition}/${source.offset}`,
      printable(customerId),
      printable(name),
      instant(eventAt),
      duration(lateByMs),
      lateFor,
    ]),
  );
}

export function lateEventsCommand(program: Command, io: Io): void {
  const late = program.command('late-events').description('look at events that came after a horizon');
  const command = late
    .command('list')
    .description('count late events by what they were too late for, and list the newest')
    .option('--from <time>', 'published at or after this instant')
    .option('--topic <topic>', 'only from this input topic')
    .option('--limit <n>', 'list so many; all are counted', '20')
    .option('--state <dir>', 'read a state instead of the cluster')
    .action(async (options: Options, self: Command) => list(contextOf(io, self), options));
  withExamples(command, [['rescore late-events list --limit 5', 'the five newest, and how many there are']]);
}
