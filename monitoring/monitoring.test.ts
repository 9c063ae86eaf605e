/** Dashboards and alert rules ask for metrics that a processor has; the rules fire as their own tests say. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyReport, reportAsMetrics } from '../backfill/consistency';
import { openProbes } from '../cli/cluster/probes';
import { readSettings } from '../cli/settings';
import { newLaneMetrics } from '../processors/runner';
import { newSwapMetrics } from '../processors/swap';

const file = (name: string): string => readFileSync(join(__dirname, name), 'utf8');
const metricsIn = (text: string): string[] => [...new Set(text.match(/\brescore_[a-z_]+/g) ?? [])];

async function exported(): Promise<Set<string>> {
  const { settings } = readSettings({ RESCORE_COLLECTOR_PORT: '0' }, null);
  const worker = {
    metrics: () => newLaneMetrics(),
    schedulers: () => [],
    rescorers: () => [],
    models: newSwapMetrics,
    partitions: () => [],
    unready: () => null,
    drift: () => Promise.resolve({ customers: 0, features: [], scores: [] }),
  };
  const probes = await openProbes(settings.values, worker, new AbortController().signal);
  try {
    const text = await (await fetch(`${probes.url}/metrics`)).text();
    const ofTheNight = reportAsMetrics(emptyReport(), 0);
    return new Set(metricsIn(`${text}\n${ofTheNight}`.replace(/^[^#].*$/gm, '')));
  } finally {
    await probes.close();
  }
}

test.each(['alerts.yml', 'alerts.test.yml', 'dashboards/rescore.json'])(
  '%s names metrics that a processor or the nightly run exports',
  async name => {
    const wanted = metricsIn(file(name));
    expect(wanted.length).toBeGreaterThan(3);
    const known = await exported();
    expect(wanted.filter(metric => !known.has(metric))).toEqual([]);
  },
);

const hasPromtool = spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0;
if (!hasPromtool)
  process.stderr.write(
    '\n!!! SKIPPED: the alert rules are tested by promtool (scripts/ci-servers.sh installs it).\n\n',
  );

(hasPromtool ? test : test.skip)('the alert rules fire when they should, and only then', () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'alerts.test.yml'], {
    cwd: __dirname,
    encoding: 'utf8',
  });
  expect({ status, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, said: '' });
});
