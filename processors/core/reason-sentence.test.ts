/** Every feature can be said, with every value and with none, and no two features in the same words. */
import { CATALOGUE, FEATURE_NAMES } from './catalogue';
import { FEATURE_WORDS } from './feature-words';
import { reasonSentence } from './reason-sentence';

const say = (feature: string, value: number | null, contribution = 1, model = 'churn'): string =>
  reasonSentence({ model, feature, value, contribution }, 'EUR');

test('the words are those of the catalogue: none is missing, none is left over', () =>
  expect(Object.keys(FEATURE_WORDS)).toEqual(FEATURE_NAMES));

test.each([0, 1, 2, 0.25, 17.5, -0.125, 1_460, Math.fround(0.1)])(
  '%d of each feature is a sentence of its own',
  value => {
    const sentences = FEATURE_NAMES.map(name => say(name, value));
    for (const sentence of sentences) {
      expect(sentence).toMatch(/^Raises the risk of churn: \S.*\S\.$/);
      expect(sentence).not.toMatch(/undefined|null|NaN|#|_|unknown|-0\b(?!\.)|\d\.\d{3}/);
    }
    expect(new Set(sentences).size).toBe(sentences.length);
  },
);

test('a feature that can be undefined says so in words of its own', () => {
  const optional = CATALOGUE.filter(({ undefinedWhen }) => undefinedWhen !== '');
  expect(optional.length).toBeGreaterThan(20);
  const sentences = optional.map(({ name }) => say(name, null));
  for (const sentence of sentences) expect(sentence).not.toMatch(/\d+ (?!days)|undefined|null|#|unknown\.$/);
  expect(new Set(sentences).size).toBe(sentences.length);
});

test.each([
  ['last_login_days_ago', 12, 0.5, 'churn', 'Raises the risk of churn: last active 12 days ago.'],
  ['last_login_days_ago', 38, 0.5, 'churn', 'Raises the risk of churn: last active about 38 days ago.'],
  ['last_login_days_ago', 0, -1, 'churn', 'Lowers the risk of churn: last active on the same day.'],
  [
    'sessions_last_7_days',
    0,
    -1,
    'engagement',
    'Lowers the expected activity: no session in the last 7 days.',
  ],
  ['sessions_last_7_days', 1, 1, 'engagement', 'Raises the expected activity: 1 session in the last 7 days.'],
  ['revenue_lifetime', 1234.5, 1, 'ltv', 'Raises the expected revenue: 1234.50 EUR of revenue so far.'],
  [
    'weekend_usage_pct',
    33.3,
    0,
    'ltv',
    'Does not change the expected revenue: 33 % of the events at weekends.',
  ],
  ['refund_rate_lifetime', 0.5, 1, 'ltv', 'Raises the expected revenue: 50 % of the order value refunded.'],
  ['remainder', null, -0.1, 'ltv', 'Lowers the expected revenue: everything else together.'],
  ['base', null, 4, 'ltv', 'The expected revenue of the average customer is where this starts.'],
  ['of_tomorrow', 3, 1, 'fraud', 'Raises fraud: of_tomorrow is 3.'],
  ['constructor', null, 1, 'churn', 'Raises the risk of churn: constructor is undefined.'],
])('%s %d', (feature, value, contribution, model, sentence) =>
  expect(say(feature, value, contribution, model)).toBe(sentence),
);
