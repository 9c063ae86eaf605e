/** Result files of measurements: one per commit, kept in bench/results, compared as ratios with the one before. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { renderTable } from '../cli/output/table';
import { coloursFor } from '../cli/output/style';

export interface BenchResult {
  /** Commit that was measured; `-changed` when the tree had other changes. */
  commit: string;
  /** ISO instant. */
  measuredAt: string;
  node: string;
  processor: string;
  /** Figures by name, `world.eventsPerCpuSecond`; the unit is part of the name. */
  figures: Record<string, number>;
}

function git(directory: string, ...args: string[]): string | null {
  try {
    return execFileSync('git', ['-C', directory, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}

/** Short hash of HEAD, or `uncommitted` in a tree without one. */
export function commitOf(directory: string): string {
  const head = git(directory, 'rev-parse', '--short=12', 'HEAD');
  if (head === null) return 'uncommitted';
  return git(directory, 'status', '--porcelain') === '' ? head : `${head}-changed`;
}

export const machine = (): Pick<BenchResult, 'node' | 'processor'> => ({
  node: process.version,
  processor: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
});

/** The newest result of another commit; null when there is none. */
export function previousResult(directory: string, commit: string): BenchResult | null {
  if (!existsSync(directory)) return null;
  const results = readdirSync(directory)
    .filter(name => name.endsWith('.json') && name !== `${commit}.json`)
    .map(name => JSON.parse(readFileSync(join(directory, name), 'utf8')) as BenchResult)
    .sort((a, b) => (a.measuredAt < b.measuredAt ? 1 : -1));
  return results[0] ?? null;
}

export function keepResult(directory: string, result: BenchResult): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${result.commit}.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}

const shown = (value: number): string =>
  value >= 1_000 ? Math.round(value).toLocaleString('en-US') : Number(value.toPrecision(4)).toString();

/** Every figure with its ratio to the earlier result; `–` where there was none. */
export function compare(result: BenchResult, before: BenchResult | null): string {
  const rows = Object.entries(result.figures).map(([name, value]) => {
    const earlier = before?.figures[name];
    return [
      name,
      shown(value),
      earlier === undefined || earlier === 0 ? '–' : `× ${(value / earlier).toFixed(2)}`,
    ];
  });
  const against = before ? `against ${before.commit}` : 'no earlier result';
  const columns = [
    { title: 'figure' },
    { title: result.commit, right: true },
    { title: against, right: true },
  ];
  return renderTable(columns, rows, coloursFor(process.stdout.isTTY === true, process.env));
}
