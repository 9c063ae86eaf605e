/** Options of commands that change one customer: an embedded state, or a cluster whose processors are asked. */
import type { Command } from 'commander';
import { SECOND_MS } from '../schemas';
import { usageError } from './errors';
import { wholeOption } from './published/options';

export interface CommandTarget {
  state?: string;
  cluster?: boolean;
  timeout: string;
}

export const targetOptions = (command: Command): Command =>
  command
    .option('--state <dir>', 'state to change (default: the setting state.directory)')
    .option('--cluster', 'ask the processors at kafka.brokers instead, through their log')
    .option('--timeout <seconds>', 'with --cluster: wait so long for their answer', '30');

export function isInCluster({ state, cluster }: CommandTarget): boolean {
  if (cluster === true && state !== undefined) throw usageError('Name --state or --cluster, not both.');
  return cluster === true;
}

export const timeoutMs = ({ timeout }: CommandTarget): number => wholeOption('timeout', timeout) * SECOND_MS;
