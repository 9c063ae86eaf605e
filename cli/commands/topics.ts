import type { Command } from 'commander';
import {
  checkTopics,
  createTopics,
  type Finding,
  type TopicAction,
  type TopicChange,
} from '../../streams/kafka';
import { topicSettings, withAdmin } from '../cluster/admin';
import { contextOf, withExamples, type Context } from '../context';
import { CliError } from '../errors';
import type { Io } from '../io';
import { count } from '../output/format';

interface CreateOptions {
  dryRun?: boolean;
  alter?: boolean;
}

/** What a row says with --dry-run. */
const WOULD: Readonly<Record<TopicAction, string>> = {
  created: 'would be created',
  altered: 'would be altered',
  unchanged: 'unchanged',
  differs: 'differs',
  refused: 'refused',
};

async function printChanges(
  context: Context,
  changes: readonly TopicChange[],
  dryRun: boolean,
): Promise<void> {
  const { reporter } = context;
  const paint = (action: TopicAction, text: string): string => {
    if (action === 'refused') return reporter.colours.red(text);
    if (action === 'differs') return reporter.colours.yellow(text);
    return action === 'unchanged' ? text : reporter.colours.green(text);
  };
  await reporter.table(
    [{ title: 'topic' }, { title: '' }, { title: 'partitions', right: true }, { title: 'configuration' }],
    changes.map(({ topic, action, partitions, details }) => [
      topic,
      paint(action, dryRun ? WOULD[action] : action),
      partitions === 0 ? '' : count(partitions),
      action === 'created' && !dryRun && !reporter.options.verbose ? '' : details.join('\n'),
    ]),
  );
  await reporter.result(changes);
}

function createCommand(topics: Command, io: Io): void {
  const command = topics
    .command('create')
    .description('make the topics that are missing; partitions of a topic that exists are never changed')
    .option('--dry-run', 'the broker checks what would be done, and does nothing')
    .option('--alter', 'also change configuration entries that do not do what is wanted')
    .action(async ({ dryRun = false, alter = false }: CreateOptions, self: Command) => {
      const context = contextOf(io, self);
      const settings = topicSettings(context.settings.values);
      const changes = await withAdmin(context, admin => createTopics(admin, settings, { dryRun, alter }));
      await printChanges(context, changes, dryRun);
      if (changes.some(({ action }) => action === 'differs'))
        context.reporter.note('Some topics differ and were left as they are: --alter changes them.');
      const refused = changes.filter(({ action }) => action === 'refused').map(({ topic }) => topic);
      if (refused.length > 0) throw new CliError('topics-unfit', `Not made: ${refused.join(', ')}.`);
    });
  withExamples(command, [
    ['rescore topics create --dry-run', 'what it would do'],
    ['rescore topics create', 'all ten topics; a second run changes nothing'],
    ['rescore topics create --alter', 'after a setting such as kafka.rawRetentionDays was changed'],
  ]);
}

async function printFindings(context: Context, findings: readonly Finding[]): Promise<void> {
  const { reporter } = context;
  const { colours } = reporter;
  await reporter.result(findings);
  if (findings.length === 0) {
    await reporter.text('All topics are as they should be.');
    return;
  }
  for (const { level, topic, message } of findings)
    await reporter.text(
      `${level === 'error' ? colours.red(level) : colours.yellow(level)}  ${topic}: ${message}`,
    );
}

function checkCommand(topics: Command, io: Io): void {
  const command = topics
    .command('check')
    .description('compare the topics with what rescore needs, and say what to do about each difference')
    .action(async (_options: object, self: Command) => {
      const context = contextOf(io, self);
      const settings = topicSettings(context.settings.values);
      const findings = await withAdmin(context, admin => checkTopics(admin, settings));
      await printFindings(context, findings);
      const errors = findings.filter(({ level }) => level === 'error').length;
      if (errors > 0) throw new CliError('unhealthy', `${count(errors)} thing(s) keep rescore from running.`);
    });
  withExamples(command, [['rescore topics check', 'the exit code is 1 when rescore could not run']]);
}

export function topicsCommand(program: Command, io: Io): void {
  const topics = program.command('topics').description('make or check the topics of a Kafka cluster');
  createCommand(topics, io);
  checkCommand(topics, io);
}
