/** drift.json as metrics: how far customers are from training, and how good old answers turned out to be. */
import type { Family, MetricSample } from '../prometheus';
import type { Drift } from '../report';

/** Beginnings of the names that are written here. */
export const DRIFT_PREFIXES = ['rescore_night_', 'rescore_matured_', 'rescore_promised_'];

/** `calibrationError` as `calibration_error`. */
const snake = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);

type Matured = Drift['matured'][number];
const of = ({ model, version }: Matured, value: number): MetricSample => ({
  value,
  labels: { model, version },
});

/** `measuredAt`: ms. */
export function driftFamilies(found: Drift, measuredAt: number): Family[] {
  const { customers, features, scores, matured } = found;
  const names = [...new Set(matured.flatMap(({ metrics }) => Object.keys(metrics)))].sort();
  const each = (pick: (one: Matured) => Record<string, number>, name: string): MetricSample[] =>
    matured.flatMap(one => {
      const value = pick(one)[name];
      return value === undefined ? [] : [of(one, value)];
    });
  return [
    {
      name: 'rescore_night_feature_psi',
      help: 'Population stability index of a feature against training, of all customers that validate.',
      samples: features.map(({ name: feature, model, psi }) => ({ value: psi, labels: { model, feature } })),
    },
    {
      name: 'rescore_night_score_psi',
      help: 'Population stability index of the scores of a model against training, of the same customers.',
      samples: scores.map(({ model, psi }) => ({ value: psi, labels: { model } })),
    },
    {
      name: 'rescore_night_drift_customers',
      help: 'Customers that the last night measured drift on.',
      samples: [{ value: customers }],
    },
    ...names.flatMap(name => [
      {
        name: `rescore_matured_${snake(name)}`,
        help: `${name} of answers whose labels have matured.`,
        samples: each(({ metrics }) => metrics, name),
      },
      {
        name: `rescore_promised_${snake(name)}`,
        help: `${name} on validation rows, as the manifest of that version says.`,
        samples: each(({ promised }) => promised, name),
      },
    ]),
    {
      name: 'rescore_matured_customers',
      help: 'Customers whose labels have matured.',
      samples: matured.map(one => of(one, one.customers)),
    },
    {
      name: 'rescore_night_timestamp_seconds',
      help: 'When the last night measured drift.',
      samples: [{ value: measuredAt / 1_000 }],
    },
  ];
}
