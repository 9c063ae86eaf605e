/** The models of a simulation: plain formulas of a few features, in versions that were verified or not. */
import { FEATURE_NAMES, VECTOR_WIDTH } from '../core';
import type { ScoringConstants } from '../core';
import type { EpochMs } from '../../schemas';
import { HOUR_MS } from '../../schemas';
import type { BatchAnswers, RawScoreColumns, Scorer } from '../ports';
import { HotScorer } from '../swap';
import type { OpenedModel } from '../swap';

const at = (name: string): number => FEATURE_NAMES.indexOf(name);
const [IDLE, ACTIVE, REVENUE] = [
  at('last_login_days_ago'),
  at('active_days_last_30_days'),
  at('revenue_lifetime'),
] as const;
const known = (value: number, otherwise: number): number => (Number.isNaN(value) ? otherwise : value);

const constantsOf = (models: ScoringConstants['models'], layout: string): ScoringConstants => ({
  models,
  layout,
  rfm: {
    daysSinceLastOrder: { min: 0, max: 90 },
    ordersLifetime: { min: 0, max: 6 },
    sessionsLast30Days: { min: 0, max: 20 },
    lnRevenueLifetime: { min: 0, max: 7 },
  },
  vipLtvMinor: 20_000,
});

const NAMES = ['engagement', 'churn', 'ltv'] as const;
type Name = (typeof NAMES)[number];

/** Every swap of the simulation goes through the real scorer of live processes (processors/swap). */
export class SimulatedScorer implements Scorer {
  /** Versions that may be named by a score: what fails is never among them. */
  readonly verified = new Set(['1']);
  /** Named by every score instead of the models that made it: a planted bug. */
  forged: ScoringConstants['models'] | null = null;
  private readonly hot: HotScorer;
  private versions = 1;

  constructor(now: () => EpochMs = () => 0, layout = '0'.repeat(64)) {
    this.hot = new HotScorer(
      NAMES.map(name => this.open(name, '1', true)),
      {
        source: {
          assemble: models => ({
            constants: constantsOf(
              models.map(({ name, version }) => ({ name, version })),
              layout,
            ),
          }),
        },
        now,
        // Nobody asks a machine here how long something took.
        nowMicros: () => 0,
        trial: { forMs: 6 * HOUR_MS, rows: 40, microsPerRow: 1, difference: 0.01, order: 0.99 },
        shadow: { difference: 0.01, microsPerRow: 1 },
        openPrevious: (name, version) =>
          Promise.resolve(version === '1' ? null : this.open(name as Name, '1', true)),
        onEvent: () => undefined,
      },
    );
  }

  get constants(): ScoringConstants {
    return this.hot.constants;
  }

  /** Another version of a model answers from the next batch on; one that is not sound cannot answer any. */
  swap(isSound: boolean): void {
    const version = `${++this.versions}`;
    if (isSound) this.verified.add(version);
    this.hot.swap(this.open(NAMES[this.versions % NAMES.length]!, version, isSound), 0);
  }

  private open(name: Name, version: string, isSound: boolean): OpenedModel {
    return {
      name,
      version,
      isAmount: name === 'ltv',
      answer: (vectors, rows) =>
        isSound
          ? Promise.resolve(this.answer(vectors, rows)[name])
          : Promise.reject(new Error(`${name}/${version} gave NaN`)),
      release: () => Promise.resolve(),
    };
  }

  score(vectors: Float32Array, rows: number): Promise<RawScoreColumns> {
    return this.hot.score(vectors, rows);
  }

  async scoreBatch(vectors: Float32Array, rows: number): Promise<BatchAnswers> {
    const answers = await this.hot.scoreBatch(vectors, rows);
    const { forged } = this;
    if (forged === null) return answers;
    return { raw: answers.raw, by: { constants: { ...answers.by.constants, models: forged } } };
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
