/** `--metrics FILE` of the steps that look at scores: what they found, for the textfile collector of Prometheus. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export const METRICS_OPTION =
  'write the result for the textfile collector of Prometheus; what other steps wrote into the file stays';

/** `rescore_x` of a sample, of its help and of its type. */
const nameOf = (line: string): string => /^(?:# (?:HELP|TYPE) )?([a-z_]+)/.exec(line)?.[1] ?? '';

/**
 * Metrics in place of those whose names begin so; the others stay. Whole or not at all: the collector may read it at any
 * moment.
 */
export function writeMetrics(file: string, prefixes: readonly string[], text: string): void {
  const before = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const isOwn = (line: string): boolean => prefixes.some(prefix => nameOf(line).startsWith(prefix));
  const others = before.filter(line => line !== '' && !isOwn(line));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.next`, [...others, text].join('\n'));
  renameSync(`${file}.next`, file);
}
