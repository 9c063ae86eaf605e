/** The models of a simulation: plain formulas of a few features, in versions that were verified or not. */
import { FEATURE_NAMES, VECTOR_WIDTH } from '../core';
import type { ScoringConstants } from '../core';
import type { RawScoreColumns, Scorer } from '../ports';

const at = (name: string): number => FEATURE_NAMES.indexOf(name);
const [IDLE, ACTIVE, REVENUE] = [
  at('last_login_days_ago'),
  at('active_days_last_30_days'),
  at('revenue_lifetime'),
] as const;
const known = (value: number, otherwise: number): number => (Number.isNaN(value) ? otherwise : value);

const constantsOf = (version: string): ScoringConstants => ({
  models: [{ name: 'simulated', version }],
  layout: '0'.repeat(64),
  rfm: {
    daysSinceLastOrder: { min: 0, max: 90 },
    ordersLifetime: { min: 0, max: 6 },
    sessionsLast30Days: { min: 0, max: 20 },
    lnRevenueLifetime: { min: 0, max: 7 },
  },
  vipLtvMinor: 20_000,
});

export class SimulatedScorer implements Scorer {
  constants = constantsOf('1');
  readonly verified = new Set(['1']);

  /** Scores with another version from the next batch on; one that fails its verification is left alone. */
  swap(version: string, isSound: boolean): void {
    if (!isSound) return;
    this.verified.add(version);
    this.constants = constantsOf(version);
  }

  score(vectors: Float32Array, rows: number): Promise<RawScoreColumns> {
    return Promise.resolve(this.answer(vectors, rows));
  }

  answer(vectors: Float32Array, rows: number): RawScoreColumns {
    const engagement = new Float32Array(rows);
    const churn = new Float32Array(rows);
    const ltv = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      const feature = (index: number): number => vectors[row * VECTOR_WIDTH + index]!;
      engagement[row] = known(feature(ACTIVE), 0) / 31;
      churn[row] = Math.min(1, known(feature(IDLE), 40) / 40);
      ltv[row] = known(feature(REVENUE), 0) * 0.5;
    }
    return { engagement, churn, ltv };
  }
}
