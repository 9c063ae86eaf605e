import type { Command } from 'commander';
import { DEFAULT_WORLD, toSegmentLine, worldRecords } from '../../processors/sim/world';
import { contextOf, withExamples } from '../context';
import { usageError } from '../errors';
import { write, type Io } from '../io';
import { parseInstant } from '../../streams/segment/fields';

interface WorldOptions {
  customers: string;
  days: string;
  seed: string;
  from?: string;
}

const LINES_AT_ONCE = 500;

function wholeNumber(name: string, given: string, most: number): number {
  const value = Number(given);
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw usageError(`--${name} ${given} is not a whole number from 1 to ${most}.`);
  return value;
}

async function print(io: Io, options: WorldOptions, onRecord: () => void): Promise<void> {
  const startAt = options.from === undefined ? DEFAULT_WORLD.startAt : parseInstant(options.from);
  if (Number.isNaN(startAt))
    throw usageError(`--from ${options.from} is not a time such as 2026-01-01T00:00:00Z.`);
  const settings = {
    ...DEFAULT_WORLD,
    customers: wholeNumber('customers', options.customers, 10_000_000),
    days: wholeNumber('days', options.days, 36_500),
    seed: wholeNumber('seed', options.seed, Number.MAX_SAFE_INTEGER),
    startAt,
  };
  let lines: string[] = [];
  for (const record of worldRecords(settings)) {
    lines.push(toSegmentLine(record));
    onRecord();
    if (lines.length < LINES_AT_ONCE) continue;
    await write(io.stdout, `${lines.join('\n')}\n`);
    lines = [];
    if (io.signal.aborted || io.stdout.destroyed) return;
  }
  if (lines.length > 0) await write(io.stdout, `${lines.join('\n')}\n`);
}

export function worldCommand(program: Command, io: Io): void {
  const command = program
    .command('world')
    .description(
      'write a synthetic world as JSON lines: customers who browse, buy, act towards each other, and leave',
    )
    .option('--customers <n>', 'how many', String(DEFAULT_WORLD.customers))
    .option('--days <n>', 'how long', String(DEFAULT_WORLD.days))
    .option('--seed <n>', 'the same seed gives the same bytes', String(DEFAULT_WORLD.seed))
    .option('--from <time>', 'when it begins (default: 2026-01-01T00:00:00Z)')
    .action(async (options: WorldOptions, self: Command) => {
      const { reporter } = contextOf(io, self);
      let records = 0;
      await print(io, options, () => records++);
      reporter.detail(`${records} records.`);
    });
  withExamples(command, [
    [
      'rescore world --customers 2000 --days 120 > world.jsonl',
      'then: rescore replay world.jsonl --format segment --out out',
    ],
    ['rescore world --seed 7 | head', 'a look at what it writes'],
  ]);
}
