import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { ALL_TOPICS } from '../../streams/avro/codec';
import { judge, readHistory, type TopicVerdict, type Versions } from '../../streams/avro/history';
import { subjectOf } from '../../streams/avro/registry-codec';
import { BUILT_IN_IDS, historyFolder, schemaText, type AnyTopic } from '../../streams/avro/schemas';
import { withRegistry } from '../cluster/registry';
import { contextOf, withExamples, type Context } from '../context';
import { CliError, usageError } from '../errors';
import type { Io } from '../io';
import { count } from '../output/format';
import { printable } from '../output/table';
import { registerAll, registeredVersions, type Registration } from '../schemas/registration';

async function printVerdicts({ reporter }: Context, verdicts: readonly TopicVerdict[]): Promise<void> {
  const { colours } = reporter;
  await reporter.table(
    [{ title: 'topic' }, { title: 'versions', right: true }, { title: '' }],
    verdicts.map(({ topic, versions, problems }) => [
      topic,
      count(versions.length),
      problems.length > 0
        ? colours.red('incompatible')
        : versions.length === 0
          ? colours.yellow('nothing to compare with')
          : colours.green('compatible'),
    ]),
  );
  for (const { topic, problems } of verdicts)
    for (const { version, field, why } of problems)
      await reporter.text(
        printable(`${topic}, version ${version}: ${field === '' ? 'the record' : field} ${why}.`),
      );
}

function refuseIncompatible(verdicts: readonly TopicVerdict[], what: string): void {
  const bad = verdicts.filter(({ problems }) => problems.length > 0).map(({ topic }) => topic);
  if (bad.length > 0) throw new CliError('schemas-incompatible', `${what}: ${bad.join(', ')}.`);
}

function historyIn(context: Context, given: string | undefined): Versions {
  const folder = given === undefined ? historyFolder() : context.path(given);
  const versions = existsSync(folder) ? readHistory(folder) : new Map<AnyTopic, []>();
  if ([...versions.values()].every(known => known.length === 0))
    throw usageError(`${given ?? folder} holds no schema versions: expected files such as orders/v1.avsc.`);
  return versions;
}

async function check(context: Context, against: string | undefined): Promise<void> {
  const { io, reporter, settings } = context;
  const { values } = settings;
  const versions =
    against === 'registry'
      ? await withRegistry(values, io.clock, client =>
          registeredVersions(client, values['kafka.topicPrefix']),
        )
      : historyIn(context, against);
  const verdicts = judge(versions);
  await printVerdicts(context, verdicts);
  await reporter.result(verdicts);
  refuseIncompatible(verdicts, 'Our schemas can’t read every version of');
}

function checkCommand(schemas: Command, io: Io): void {
  const command = schemas
    .command('check')
    .description('can the schemas of this release read everything that was ever written with older ones?')
    .option(
      '--against <versions>',
      'a folder of <topic>/v<number>.avsc, or "registry"; default: the releases',
    )
    .action(async ({ against }: { against?: string }, self: Command) => check(contextOf(io, self), against));
  withExamples(command, [
    ['rescore schemas check', 'against every release, without any server: for a pull request'],
    [
      'rescore schemas check --against registry',
      'against what the registry holds; exit code 1 names each field',
    ],
  ]);
}

/** What a row says, and what it says with --dry-run. */
const WORDS: Readonly<Record<Registration['action'], readonly [done: string, would: string]>> = {
  registered: ['registered', 'would be registered'],
  levelled: ['compatibility level set', 'compatibility level would be set'],
  unchanged: ['unchanged', 'unchanged'],
};

async function printRegistrations(
  { reporter }: Context,
  done: readonly Registration[],
  dryRun: boolean,
): Promise<void> {
  await reporter.table(
    [{ title: 'subject' }, { title: '' }, { title: 'id', right: true }],
    done.map(({ subject, action, id }) => [
      subject,
      action === 'unchanged' ? WORDS[action][0] : reporter.colours.green(WORDS[action][dryRun ? 1 : 0]),
      id === null ? '' : String(id),
    ]),
  );
  await reporter.result(done);
}

function registerCommand(schemas: Command, io: Io): void {
  const command = schemas
    .command('register')
    .description('give the registry the schemas of all ten topics, with the level BACKWARD_TRANSITIVE')
    .option('--dry-run', 'only say what would be done')
    .action(async ({ dryRun = false }: { dryRun?: boolean }, self: Command) => {
      const context = contextOf(io, self);
      const { values } = context.settings;
      const topicPrefix = values['kafka.topicPrefix'];
      await withRegistry(values, io.clock, async client => {
        // Our own check comes first, for all of them: not every registry has one, and half a release helps nobody.
        const verdicts = judge(await registeredVersions(client, topicPrefix));
        if (verdicts.some(({ problems }) => problems.length > 0)) await printVerdicts(context, verdicts);
        refuseIncompatible(verdicts, 'Nothing was registered. Our schemas can’t read every version of');
        await printRegistrations(context, await registerAll(client, topicPrefix, dryRun), dryRun);
      });
    });
  withExamples(command, [
    ['rescore schemas register --dry-run', 'what it would do'],
    ['rescore schemas register', 'before the processors of a release start; a second run changes nothing'],
  ]);
}

async function list(context: Context): Promise<void> {
  const { io, reporter, settings } = context;
  const { values } = settings;
  const topicPrefix = values['kafka.topicPrefix'];
  const find = async (): Promise<{ topic: AnyTopic; subject: string | null; id: number | null }[]> => {
    if (values['registry.url'] === '')
      return ALL_TOPICS.map(topic => ({ topic, subject: null, id: BUILT_IN_IDS[topic] }));
    return withRegistry(values, io.clock, client =>
      Promise.all(
        ALL_TOPICS.map(async topic => {
          const subject = subjectOf(topicPrefix, topic);
          return { topic, subject, id: (await client.lookUp(subject, schemaText(topic)))?.id ?? null };
        }),
      ),
    );
  };
  const rows = await find();
  await reporter.table(
    [{ title: 'topic' }, { title: 'subject' }, { title: 'id', right: true }],
    rows.map(({ topic, subject, id }) => [
      topic,
      subject ?? 'built in',
      id === null ? reporter.colours.yellow('not registered') : String(id),
    ]),
  );
  await reporter.result(rows);
}

function listCommand(schemas: Command, io: Io): void {
  const command = schemas
    .command('list')
    .description('the schema id of every topic: of the registry, or built in when registry.url is empty')
    .action(async (_options: object, self: Command) => list(contextOf(io, self)));
  withExamples(command, [
    ['rescore schemas list', 'what this release would write'],
    ['RESCORE_REGISTRY_URL= rescore --json schemas list', 'the built-in ids, for programs'],
  ]);
}

export function schemasCommand(program: Command, io: Io): void {
  const schemas = program
    .command('schemas')
    .description('check, register or list the Avro schemas of the topics');
  checkCommand(schemas, io);
  registerCommand(schemas, io);
  listCommand(schemas, io);
}
