import { newLaneMetrics } from '../../processors/runner';
import { newSwapMetrics } from '../../processors/swap';
import { liveRegistry } from './metrics';

const sources = {
  lanes: newLaneMetrics,
  schedulers: () => [],
  pending: null,
  streamReaders: null,
  models: null,
  rescorers: () => [],
};

test('what only grows is a counter, and says what it counted, not what it said before', async () => {
  let ticks = 5;
  const registry = liveRegistry({
    ...sources,
    models: newSwapMetrics,
    schedulers: () => [{ ticks, delayMs: 2_000, heldBack: 0 }],
    drift: () => Promise.resolve({ customers: 0, features: [], scores: [] }),
  });
  const text = await registry.metrics();
  for (const [, name, type] of text.matchAll(/^# TYPE (rescore_\S+) (\S+)$/gm))
    expect([name, type]).toEqual([name, /_(total|sum|bucket)$/.test(name!) ? 'counter' : 'gauge']);
  expect(text).toContain('rescore_ticks_total 5');
  expect(text).toContain('rescore_tick_delay_seconds 2');
  expect(text).toContain('rescore_model_rollbacks_total{reason="output"} 0');
  ticks = 7;
  expect(await registry.metrics()).toContain('rescore_ticks_total 7');
});

test('a scrape shows the drift of now, measured once, and drops what is no longer known', async () => {
  let scrapes = 0;
  const registry = liveRegistry({
    ...sources,
    drift: async () => {
      await Promise.resolve();
      const first = ++scrapes === 1;
      return {
        customers: first ? 800 : 20,
        features: first ? [{ model: 'churn', feature: 'orders_lifetime', psi: 0.31 }] : [],
        scores: first ? [{ model: 'churn', psi: 0.12 }] : [],
      };
    },
  });
  const first = await registry.metrics();
  expect(scrapes).toBe(1);
  expect(first).toContain('rescore_feature_psi{model="churn",feature="orders_lifetime"} 0.31');
  expect(first).toContain('rescore_score_psi{model="churn"} 0.12');
  expect(first).toContain('rescore_drift_customers 800');
  const second = await registry.metrics();
  expect(scrapes).toBe(2);
  expect(second).not.toMatch(/psi\{/);
  expect(second).toContain('rescore_drift_customers 20');
});
