import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { checkClusterState } from '../cluster/state-check';
import { openClusterState } from '../cluster/state';
import { contextOf, instantOption, withExamples } from '../context';
import { digestState } from '../customer/digest';
import { checkState, openForReading, stateDirectory, STATE_FILE } from '../embedded';
import { CliError, usageError } from '../errors';
import type { Io } from '../io';
import { bytes, count, instant } from '../output/format';
import { printable } from '../output/table';
import { rebuildCommand } from './state-rebuild';
import { modelsPlace } from '../models/registry';

function freeTarget(directory: string): string {
  if (existsSync(directory) && readdirSync(directory).length > 0)
    throw new CliError('target-not-empty', `${directory} is not empty.`);
  mkdirSync(directory, { recursive: true });
  return directory;
}

function backupCommand(state: Command, io: Io): void {
  const command = state
    .command('backup <dir>')
    .description('copy a state as it is at this moment')
    .option('--state <dir>', 'state to copy (default: the setting state.directory)')
    .action(async (target: string, options: { state?: string }, self: Command) => {
      const context = contextOf(io, self);
      const to = freeTarget(context.path(target));
      const open = openForReading(stateDirectory(context, options.state));
      try {
        await open.embedded.environment.backup(join(to, STATE_FILE));
      } finally {
        await open.close();
      }
      await context.reporter.text(`The state is copied to ${to}.`);
      await context.reporter.result({ backup: to });
    });
  withExamples(command, [['rescore state backup backups/monday --state out/state', 'before an upgrade']]);
}

function restoreCommand(state: Command, io: Io): void {
  const command = state
    .command('restore <backup>')
    .description('make a state from a backup; the place must be empty')
    .option('--state <dir>', 'where the state is to be (default: the setting state.directory)')
    .action(async (backup: string, options: { state?: string }, self: Command) => {
      const context = contextOf(io, self);
      const from = context.path(backup);
      // Opened and closed: what is no state is refused before anything is copied.
      await openForReading(from).close();
      const to = freeTarget(stateDirectory(context, options.state));
      copyFileSync(join(from, STATE_FILE), join(to, STATE_FILE));
      const report = await checkState(to);
      if (report.problems.length > 0)
        throw new CliError(
          'state-damaged',
          `The restored state has ${report.problems.length} problem(s): ${report.problems[0].what}.`,
        );
      await context.reporter.text(`The state is restored to ${to}: ${count(report.customers)} customers.`);
      await context.reporter.result({ state: to, customers: report.customers });
    });
  withExamples(command, [
    ['rescore state restore backups/monday --state out/state', 'after moving the damaged one away'],
  ]);
}

function checkCommand(state: Command, io: Io): void {
  const command = state
    .command('check')
    .description(
      "read every stored value, decode it, and compare the lanes' positions with the log; in Redis also due entries and outboxes",
    )
    .option('--state <dir>', 'state to check (default: the setting state.directory)')
    .option('--redis', 'check the distributed state, at redis.addresses')
    .action(async (options: Place, self: Command) => {
      const context = contextOf(io, self);
      const { reporter } = context;
      const report = isInRedis(options)
        ? await checkClusterState(context)
        : await checkState(stateDirectory(context, options.state));
      await reporter.table(
        [{ title: 'what' }, { title: 'found', right: true }],
        [
          ['customers', count(report.customers)],
          ['lanes', count(report.partitions)],
          ['bytes per customer', bytes(report.customers === 0 ? 0 : report.stateBytes / report.customers)],
          ['problems', count(report.problems.length)],
        ],
      );
      for (const { customerId, what } of report.problems.slice(0, 20))
        await reporter.text(`${printable(customerId)}: ${what}`);
      await reporter.result(report);
      if (report.problems.length > 0)
        throw new CliError('state-damaged', `${count(report.problems.length)} thing(s) are wrong.`);
    });
  withExamples(command, [
    ['rescore state check --state out/state', 'the exit code is 1 when something is damaged'],
    ['rescore state check --redis', 'every partition, beside running processors, against the log of Kafka'],
  ]);
}

/** Where a state is: a folder, or Redis. */
interface Place {
  state?: string;
  redis?: boolean;
}

function isInRedis({ state, redis }: Place): boolean {
  if (redis === true && state !== undefined) throw usageError('Name --state or --redis, not both.');
  return redis === true;
}

function digestCommand(state: Command, io: Io): void {
  const command = state
    .command('digest')
    .description('two digests, of all vectors and of all raw model answers, to compare two states')
    .requiredOption('--as-of <time>', 'instant of the vectors, ISO 8601')
    .option('--state <dir>', 'embedded state (default: the setting state.directory)')
    .option('--redis', 'the distributed state, at redis.addresses')
    .action(async (options: Place & { asOf: string }, self: Command) => {
      const context = contextOf(io, self);
      const asOf = instantOption('--as-of', options.asOf);
      const scorer = await io.openScorer(modelsPlace(io, context.settings.values));
      try {
        const open = isInRedis(options)
          ? await openClusterState(context.settings.values)
          : openForReading(stateDirectory(context, options.state));
        try {
          const digest = await digestState(open.storedValues(), scorer, asOf);
          await context.reporter.text(`customers ${count(digest.customers)}, as of ${instant(asOf)}`);
          await context.reporter.text(`vectors   ${digest.vectors}`);
          await context.reporter.text(`outputs   ${digest.outputs}`);
          await context.reporter.result({ ...digest, asOf: instant(asOf) });
        } finally {
          await open.close();
        }
      } finally {
        await scorer.release();
      }
    });
  withExamples(command, [
    ['rescore state digest --as-of 2026-05-01T00:00:00Z --state out/state', 'of a replay'],
    ['rescore state digest --as-of 2026-05-01T00:00:00Z --redis', 'of the same inputs through Kafka: equal'],
  ]);
}

export function stateCommand(program: Command, io: Io): void {
  const state = program.command('state').description('back up, restore, check, compare or rebuild a state');
  backupCommand(state, io);
  restoreCommand(state, io);
  checkCommand(state, io);
  digestCommand(state, io);
  rebuildCommand(state, io);
}
