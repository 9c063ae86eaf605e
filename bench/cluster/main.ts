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
import { backlog, growth, redisRestart, steady, takeover, withReasons } from './measurements';
import type { Figures } from './measurements';

interface Options {
  events: string;
  customers: string;
  rounds: string;
  only?: string;
}

const SECONDS = 1_000;

async function main({ events, customers, rounds, only }: Options): Promise<void> {
  const servers = await openServers();
  const figures: Figures = {};
  const measure = async (name: string, work: () => Promise<Figures>): Promise<void> => {
    if (only !== undefined && !name.startsWith(only)) return;
    process.stderr.write(`Measuring ${name}.\n`);
    Object.assign(figures, await work());
  };
  try {
    await measure('backlog', () => backlog(servers, Number(events), 100_000));
    await measure('reasons', () => withReasons(servers, Number(events), 100_000));
    const sizes = customers.split(',').map(Number);
    await measure('growth', () =>
      growth(servers, Number(events), sizes, Number(rounds), size =>
        process.stderr.write(`  ${size} customers\n`),
      ),
    );
    await measure('steady 4x4', () => steady(servers, 2_000, 4, 4, 20 * SECONDS));
    await measure('steady 16x1', () => steady(servers, 2_000, 16, 1, 20 * SECONDS));
    await measure('steady 16x4', () => steady(servers, 2_000, 16, 4, 20 * SECONDS));
    await measure('takeover with a restart', () => takeover(servers, true));
    await measure('takeover without', () => takeover(servers, false));
    await measure('redis', () => redisRestart(servers));
  } finally {
    await servers.close();
  }
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
  .parseAsync();
