/**
 * `make bench-cluster`: the distributed engine on real servers in containers, all on this box. Figures are ratios of one
 * run; each result is kept in bench/results/cluster.
 */
import { join } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../../cli/clock';
import { packageRoot } from '../../streams/package-root';
import { commitOf, compare, keepResult, machine, previousResult } from '../results';
import { openServers } from './bed';
import type { Figures } from './costs';
import { redisRestart, takeover } from './failover';
import { steady } from './latency';
import { backlog, growth, withReasons } from './throughput';

interface Options {
  events: string;
  customers: string;
  rounds: string;
  only?: string;
}

const SECONDS = 1_000;
const BACKLOG_RATE = 'backlog.100000customers.eventsPerSecond';
/** Events a second where the backlog was not measured in the same run. */
const FULL_LOAD = 24_000;

async function main({ events, customers, rounds, only }: Options): Promise<void> {
  const servers = await openServers();
  const figures: Figures = {};
  const names: string[] = [];
  const measure = async (name: string, work: () => Promise<Figures>): Promise<void> => {
    names.push(name);
    if (only !== undefined && !name.startsWith(only)) return;
    process.stderr.write(`Measuring ${name}.\n`);
    Object.assign(figures, await work());
  };
  try {
    await measure('backlog', () => backlog(servers, Number(events), 100_000));
    await measure('reasons', () => withReasons(servers, Number(events), 100_000));
    const sizes = customers.split(',').map(Number);
    await measure('growth', () =>
      growth(servers, sizes, Number(rounds), size => process.stderr.write(`  ${size} customers\n`)),
    );
    const at = (perSecond: number, partitions: number, unitSize: number, name: string) =>
      steady(servers, { name, perSecond, partitions, unitSize, ms: 20 * SECONDS });
    await measure('steady 4x4', () => at(2_000, 4, 4, 'steady4x4'));
    await measure('steady 16x1', () => at(2_000, 16, 1, 'steady16x1'));
    await measure('steady 16x4', () => at(2_000, 16, 4, 'steady16x4'));
    const half = Math.round((figures[BACKLOG_RATE] ?? FULL_LOAD) / 2);
    await measure('half load', () => at(half, 4, 4, 'half4x4'));
    await measure('takeover with a restart', () => takeover(servers, true));
    await measure('takeover without', () => takeover(servers, false));
    await measure('redis', () => redisRestart(servers));
  } finally {
    await servers.close();
  }
  if (Object.keys(figures).length === 0)
    throw new Error(`--only ${only}: nothing is called so. There are: ${names.join(', ')}.`);
  const root = packageRoot();
  const directory = join(root, 'bench', 'results', 'cluster');
  const commit = commitOf(root);
  const measuredAt = new Date(systemClock.now()).toISOString();
  const result = { commit, measuredAt, ...machine(), figures };
  process.stdout.write(`${compare(result, previousResult(directory, commit))}\n`);
  if (only === undefined) process.stdout.write(`Kept in ${keepResult(directory, result)}\n`);
}

void new Command('bench-cluster')
  .description('measure the distributed engine; needs a Docker engine (scripts/ci-servers.sh)')
  .option('--events <n>', 'events of a backlog', '300000')
  .option('--customers <list>', 'sizes of the customer base', '1000,30000,1000000')
  .option('--rounds <n>', 'of the growth over these sizes, whose medians are taken', '3')
  .option('--only <name>', 'measurements whose name begins so; nothing is kept then')
  .action(main)
  .parseAsync()
  .catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
