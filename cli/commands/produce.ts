import { Option, type Command } from 'commander';
import type { Admin } from 'kafkajs';
import type { InputTopic } from '../../schemas';
import { InputSender, readTopics, type Compression } from '../../streams/kafka';
import { loadMapping } from '../../streams/mapping';
import { topicSettings, withAdmin } from '../cluster/admin';
import { openCodec } from '../cluster/codec';
import { contextOf, withExamples, type Context } from '../context';
import { CliError, EXIT, usageError } from '../errors';
import type { Io } from '../io';
import { inputRules } from '../lanes';
import { SILENT, type Progress } from '../output/progress';
import { Pace } from '../produce/pace';
import { findSources, readRows, type PlacedRow, type RowSource } from '../produce/rows';
import { summaryRows, Tally } from '../produce/tally';

interface Options {
  map?: string;
  format?: 'segment';
  rate?: string;
  limit?: string;
  keepTimestamps?: boolean;
  strict?: boolean;
}

/** Bad rows beyond these are only counted. */
const NAMED_ROWS = 20;
const DATA_TOPICS: readonly InputTopic[] = ['web-events', 'orders', 'customers'];

function numberOf(name: string, given: string | undefined, whole: boolean): number | null {
  if (given === undefined) return null;
  const value = Number(given);
  if (!(value > 0) || !Number.isFinite(value) || (whole && !Number.isInteger(value)))
    throw usageError(`--${name} ${given} is not a ${whole ? 'whole ' : ''}number above 0.`);
  return value;
}

const unfit = (message: string): CliError => new CliError('topics-unfit', message);

/** The number of partitions of the topics that are written to, which must be fit for it. */
async function partitionsOf(context: Context, admin: Admin, keepTimestamps: boolean): Promise<number> {
  const found = await readTopics(admin, topicSettings(context.settings.values));
  const counts = new Set<number>();
  for (const topic of DATA_TOPICS) {
    const held = found.get(topic);
    if (held === undefined) throw unfit(`The topic ${topic} does not exist.`);
    counts.add(held.partitions);
    if (keepTimestamps && held.configs.get('message.timestamp.type')?.value === 'LogAppendTime')
      throw unfit(
        `${topic} stamps records by the broker's clock, so --keep-timestamps would be without effect. Set kafka.timestamps to any and run \`rescore topics create --alter\`.`,
      );
  }
  if (counts.size > 1) throw unfit('The inputs have different numbers of partitions.');
  return [...counts][0]!;
}

/** Of the rows up to --limit, else of the bytes of the files; nothing of a standard input, which has no end. */
function progressOf({ reporter }: Context, sources: readonly RowSource[], limit: number | null): Progress {
  if (limit !== null) return reporter.progress('Producing', limit, 'rows');
  const bytes = sources.reduce((sum, source) => sum + (source.bytes ?? NaN), 0);
  return Number.isNaN(bytes) ? SILENT : reporter.progress('Producing', bytes, 'bytes');
}

interface Run {
  context: Context;
  sender: InputSender;
  tally: Tally;
  options: Options;
  limit: number | null;
  pace: Pace | null;
}

function refuse(
  { context, tally, options }: Run,
  { name, line }: PlacedRow,
  bad: { code: string; reason: string },
): void {
  if (options.strict)
    throw new CliError(
      'stopped-by-strict',
      `${name}, line ${line}: ${bad.code}: ${bad.reason} The rows before it were sent.`,
      EXIT.strict,
    );
  tally.refuse(bad);
  if (tally.bad <= NAMED_ROWS) context.reporter.note(`${name}, line ${line}: ${bad.code}: ${bad.reason}`);
  if (tally.bad === NAMED_ROWS) context.reporter.note('Further bad rows are only counted.');
}

/** Sends row after row, until they end, --limit is reached or a signal comes. */
async function sendAll(run: Run, rows: AsyncIterable<PlacedRow>, bar: Progress): Promise<void> {
  const { sender, tally, limit, pace } = run;
  let bytes = 0;
  for await (const row of rows) {
    const { prepared } = row;
    if (prepared.outcome === 'ignored') tally.ignore();
    else if (prepared.outcome === 'bad') refuse(run, row, prepared.bad);
    else {
      await pace?.turn();
      await sender.add(prepared.record);
      tally.add(prepared.record.topic);
    }
    bytes += row.bytes;
    bar.update(limit === null ? bytes : tally.added);
    if (limit !== null && tally.added >= limit) return;
  }
}

async function produce(context: Context, names: string[], options: Options): Promise<void> {
  const { io, path, settings } = context;
  if (options.map !== undefined && options.format !== undefined)
    throw usageError('Name --map or --format, not both.');
  const mapping = options.map === undefined ? null : loadMapping(options.map);
  const limit = numberOf('limit', options.limit, true);
  const rate = numberOf('rate', options.rate, false);
  const keepTimestamps = options.keepTimestamps ?? false;
  const sources = findSources(names, path);
  const codec = await openCodec(settings.values, io.clock);
  const tally = new Tally(io.clock);
  await withAdmin(context, async (admin, kafka) => {
    const partitions = await partitionsOf(context, admin, keepTimestamps);
    const compression = settings.values['kafka.compression'] as Compression;
    const topicPrefix = settings.values['kafka.topicPrefix'];
    const sender = await InputSender.open(kafka, { topicPrefix, partitions, compression });
    const bar = progressOf(context, sources, limit);
    try {
      const rules = inputRules(settings.values);
      const { clock, stdin, signal } = io;
      const rows = readRows(sources, { mapping, codec, rules, clock, keepTimestamps, stdin, signal });
      const pace = rate === null ? null : new Pace(clock, rate, signal);
      await sendAll({ context, sender, tally, options, limit, pace }, rows, bar);
    } finally {
      bar.finish();
      // What was read before an error is sent as well; an error of the brokers comes up here.
      await sender.close();
    }
    await conclude(context, tally, sender.sent);
  });
  if (io.signal.aborted)
    throw new CliError('stopped', `Stopped by a signal after ${tally.added} rows were sent.`);
}

async function conclude({ reporter }: Context, tally: Tally, sent: number): Promise<void> {
  const summary = tally.summary(sent);
  await reporter.table([{ title: 'what' }, { title: 'count', right: true }], summaryRows(summary));
  await reporter.result(summary);
}

export function produceCommand(program: Command, io: Io): void {
  const command = program
    .command('produce <files...>')
    .description('send the rows of files to the input topics of a Kafka cluster; - is the standard input')
    .option('--map <map>', 'mapping of columns: a name from `rescore mappings`, or a file')
    .addOption(
      new Option('--format <format>', 'JSON lines in the Segment shape, as without --map').choices([
        'segment',
      ]),
    )
    .option('--rate <n>', 'at most so many rows a second')
    .option('--limit <n>', 'stop after so many rows were sent')
    .option('--keep-timestamps', "records carry the rows' own instants (topics with kafka.timestamps any)")
    .option('--strict', 'stop at the first row that cannot be used (exit code 3)')
    .action(async (names: string[], options: Options, self: Command) => {
      await produce(contextOf(io, self), names, options);
    });
  withExamples(command, [
    ['rescore world --customers 2000 | rescore produce -', 'a synthetic world'],
    ['rescore produce orders.csv --map retailrocket --rate 500', 'a file in another format, slowly'],
    ['rescore produce history.jsonl --keep-timestamps', 'history, as it happened'],
  ]);
}
