/** Dashboards and alert rules ask for metrics that a processor has; the rules fire as their own tests say. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyReport, reportFamilies } from '../backfill/consistency';
import { driftFamilies } from '../backfill/drift';
import { asPrometheus } from '../backfill/prometheus';
import { MATURED_METRICS } from '../backfill/drift/metrics';
import { openProbes } from '../cli/cluster/probes';
import { readSettings } from '../cli/settings';
import { newLaneMetrics } from '../processors/runner';
import { newSwapMetrics } from '../processors/swap';

const file = (name: string): string => readFileSync(join(__dirname, name), 'utf8');
const metricsIn = (text: string): string[] => [...new Set(text.match(/\brescore_[a-z_0-9]+/g) ?? [])];

const one = (model: string, metrics: Record<string, number>) => ({
  model,
  version: 'v',
  source: 'snapshots' as const,
  from: 0,
  until: 0,
  rows: 1,
  customers: 1,
  metrics,
  promised: metrics,
  calibration: [],
});
/** What a night measures of each model (backfill/drift/metrics.ts). */
const DRIFT = {
  models: [],
  newestAt: 0,
  days: 30,
  customers: 0,
  left: null,
  features: [{ name: 'orders_lifetime', model: 'churn', psi: 0 }],
  scores: [{ model: 'churn', psi: 0 }],
  matured: Object.entries(MATURED_METRICS).map(([name, metrics]) =>
    one(name, Object.fromEntries(Object.keys(metrics).map(metric => [metric, 0]))),
  ),
};

async function exported(): Promise<Set<string>> {
  const { settings } = readSettings({ RESCORE_COLLECTOR_PORT: '0' }, null);
  const worker = {
    metrics: () => newLaneMetrics(),
    schedulers: () => [],
    rescorers: () => [],
    models: newSwapMetrics,
    partitions: () => [],
    stopped: () => [],
    lag: () => ({}),
    unready: () => null,
    drift: () => Promise.resolve({ customers: 0, features: [], scores: [] }),
  };
  const probes = await openProbes(settings.values, worker, new AbortController().signal);
  try {
    const text = await (await fetch(`${probes.url}/metrics`)).text();
    const ofTheNight = asPrometheus([...reportFamilies(emptyReport(), 0), ...driftFamilies(DRIFT, 0)]);
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
