/** Options of commands that change one customer: an embedded state, or a cluster whose processors are asked. */
import type { Command } from 'commander';
import { SECOND_MS } from '../schemas';
import { usageError } from './errors';
import { wholeOption } from './published/options';

export interface Where {
  state?: string;
  cluster?: boolean;
  timeout: string;
}

export const withWhere = (command: Command): Command =>
  command
    .option('--state <dir>', 'state to change (default: the setting state.directory)')
    .option('--cluster', 'ask the processors at kafka.brokers instead, through their log')
    .option('--timeout <seconds>', 'with --cluster: wait so long for their answer', '30');

export function isInCluster({ state, cluster }: Where): boolean {
  if (cluster === true && state !== undefined) throw usageError('Name --state or --cluster, not both.');
  return cluster === true;
}

export const timeoutMs = ({ timeout }: Where): number => wholeOption('timeout', timeout) * SECOND_MS;
