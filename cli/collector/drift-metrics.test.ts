import { newLaneMetrics } from '../../processors/runner';
import { liveRegistry } from './metrics';

const sources = {
  lanes: newLaneMetrics,
  schedulers: () => [],
  pending: null,
  streamReaders: null,
  models: null,
  rescorers: () => [],
};

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
