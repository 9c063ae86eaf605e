/** `--metrics` and `--cloudwatch` of the checks: what they found as metrics, into a file or into a log. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { asEmbeddedMetrics, asPrometheus } from '../../backfill/prometheus';
import type { Family } from '../../backfill/prometheus';
import type { Context } from '../context';

export interface MetricsOptions {
  metrics?: string;
  cloudwatch?: string;
}

/** Options of the checks, and of `run`. */
export const metricsOptions = (command: Command): Command =>
  command
    .option(
      '--metrics <file>',
      'write the result for the textfile collector of Prometheus; what other steps wrote into the file stays',
    )
    .option(
      '--cloudwatch <namespace>',
      'write the result to stderr, in lines that CloudWatch Logs makes metrics of',
    );

/** `rescore_x` of a sample, of its help and of its type. */
const nameOf = (line: string): string => /^(?:# (?:HELP|TYPE) )?([a-z_0-9]+)/.exec(line)?.[1] ?? '';

/** In place of what `prefixes` begin the names of. Whole or not at all: the collector may read it at any moment. */
function writeFile(file: string, prefixes: readonly string[], text: string): void {
  const before = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const isOwn = (line: string): boolean => prefixes.some(prefix => nameOf(line).startsWith(prefix));
  const others = before.filter(line => line !== '' && !isOwn(line));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.next`, [...others, text].join('\n'));
  renameSync(`${file}.next`, file);
}

/** `prefixes`: how the names of all families of this step begin. */
export function tellMetrics(
  { io, path, reporter }: Context,
  { metrics, cloudwatch }: MetricsOptions,
  prefixes: readonly string[],
  families: readonly Family[],
): void {
  if (metrics !== undefined) writeFile(path(metrics), prefixes, asPrometheus(families));
  if (cloudwatch !== undefined)
    for (const line of asEmbeddedMetrics(families, cloudwatch, io.clock.now())) reporter.note(line);
}
