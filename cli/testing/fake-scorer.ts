/** A scorer without models, for tests: plain formulas of a few features, so that every test machine agrees. */
import { FEATURE_NAMES } from '../../processors/core';
import type { OpenedScorer } from '../io';

const at = (name: string): number => FEATURE_NAMES.indexOf(name);
const [IDLE, ACTIVE, REVENUE] = [
  at('last_login_days_ago'),
  at('active_days_last_30_days'),
  at('revenue_lifetime'),
];
const known = (value: number, otherwise: number): number => (Number.isNaN(value) ? otherwise : value);

export const openFakeScorer = (): Promise<OpenedScorer> =>
  Promise.resolve({
    constants: {
      models: ['engagement', 'churn', 'ltv'].map(name => ({ name, version: 'fake' })),
      layout: '0'.repeat(64),
      rfm: {
        daysSinceLastOrder: { min: 0, max: 365 },
        ordersLifetime: { min: 0, max: 10 },
        sessionsLast30Days: { min: 0, max: 20 },
        lnRevenueLifetime: { min: 0, max: 8 },
      },
      vipLtvMinor: 100_000,
    },
    score: (vectors, rows) => {
      const width = FEATURE_NAMES.length;
      const engagement = new Float32Array(rows);
      const churn = new Float32Array(rows);
      const ltv = new Float32Array(rows);
      for (let row = 0; row < rows; row++) {
        const feature = (index: number): number => vectors[row * width + index];
        engagement[row] = known(feature(ACTIVE), 0) / 31;
        churn[row] = Math.min(1, known(feature(IDLE), 60) / 60);
        ltv[row] = known(feature(REVENUE), 0) * 0.3;
      }
      return Promise.resolve({ engagement, churn, ltv });
    },
    release: () => Promise.resolve(),
  });
