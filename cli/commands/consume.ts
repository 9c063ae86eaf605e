import { randomUUID } from 'node:crypto';
import { Argument, type Command } from 'commander';
import type { Kafka } from 'kafkajs';
import { topicName } from '../../streams/kafka';
import { withKafka } from '../cluster/admin';
import { openCodec } from '../cluster/codec';
import { consume, type Consumed, type ConsumeCounts, type ConsumedTopic } from '../consume/consumer';
import { lineOf } from '../consume/lines';
import { contextOf, withExamples, type Context } from '../context';
import { write, type Io } from '../io';
import { count } from '../output/format';
import { messageAsJson } from '../output/json';
import { wholeOption } from '../published/options';

interface Options {
  group?: string;
  fromBeginning?: boolean;
  limit?: string;
}

const TOPICS = {
  scores: 'engagement-scores',
  alerts: 'engagement-alerts',
  sessions: 'sessions',
} as const satisfies Record<string, ConsumedTopic>;
type What = keyof typeof TOPICS;

const jsonLine = ({ key, id, type, body }: Consumed<ConsumedTopic>): string =>
  JSON.stringify({ id, type, key, ...(body === null ? { withdrawn: true } : messageAsJson(body)) });

async function run(context: Context, kafka: Kafka, what: What, options: Options): Promise<ConsumeCounts> {
  const { io, reporter, settings } = context;
  const { values } = settings;
  const limit = options.limit === undefined ? Infinity : wholeOption('limit', options.limit);
  const codec = await openCodec(values, io.clock, 'reads');
  // A group of its own is for looking: it is taken away again, and nobody else reads less for it.
  const groupId = options.group ?? `${values['kafka.application']}-consume-${randomUUID()}`;
  const enough = new AbortController();
  let printed = 0;
  const topic: ConsumedTopic = TOPICS[what];
  try {
    return await consume({
      kafka,
      groupId,
      topic,
      topicName: topicName(values['kafka.topicPrefix'], topic),
      fromBeginning: options.fromBeginning ?? false,
      codec,
      signal: AbortSignal.any([io.signal, enough.signal]),
      onMessage: async message => {
        await write(io.stdout, `${reporter.json ? jsonLine(message) : lineOf(message)}\n`);
        if (++printed >= limit || io.stdout.destroyed) enough.abort();
      },
    });
  } finally {
    if (options.group === undefined) await deleteGroup(kafka, groupId);
  }
}

/** The broker forgets an empty group by itself, in time. */
async function deleteGroup(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.deleteGroups([groupId]);
  } catch {
    // A group that never was, or a user who may not delete one.
  } finally {
    await admin.disconnect();
  }
}

export function consumeCommand(program: Command, io: Io): void {
  const command = program
    .command('consume')
    .addArgument(new Argument('<what>', 'what to follow').choices(Object.keys(TOPICS)))
    .description('follow scores, alerts or sessions, a line a message: an example of a consumer')
    .option('--group <name>', 'go on where this consumer group was (default: a group for this run)')
    .option('--from-beginning', 'begin with the oldest message, where the group has no place yet')
    .option('--limit <n>', 'stop after so many messages')
    .action(async (what: What, options: Options, self: Command) => {
      const context = contextOf(io, self);
      const counts = await withKafka(context, kafka => run(context, kafka, what, options));
      const { messages, repeats, outdated, undecodable } = counts;
      context.reporter.note(
        `${count(messages)} message(s), ${count(repeats)} repeat(s), ${count(outdated)} outdated, ${count(undecodable)} that could not be decoded.`,
      );
    });
  withExamples(command, [
    ['rescore consume scores --from-beginning', 'the newest score of everybody, then what changes'],
    [
      'rescore consume alerts --group crm --json',
      'alerts as JSON lines; a second run goes on where this ended',
    ],
  ]);
}
