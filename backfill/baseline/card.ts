/** The model card: what it is for, what it was fitted on, how good it is, whom it may treat unlike, where it ends. */
import type { Manifest } from '../../models/registry/manifest';
import type { TrainerReport } from './trainer';

const ANSWERS: Readonly<Record<string, string>> = {
  engagement:
    'the expected share of the next 30 spans of 24 hours in which the customer does something, 0 to 1',
  churn: 'the probability that the customer does nothing in the next 30 days, 0 to 1, calibrated (Platt)',
  ltv: 'the expected revenue of the next 180 days, in major units of the currency of the shop',
};

const METRICS: Readonly<Record<string, string>> = {
  auc: 'area under the ROC curve',
  aucOfTruth: "the same of the world's own probability (knows the hidden rates, out of reach)",
  logLoss: 'log loss',
  logLossOfTruth: "the same of the world's own probability",
  calibrationError: 'mean gap over 10 bins of equal count',
  lift: 'lift of the tenth with the highest scores',
  baseRate: 'mean of the label',
  r2: 'R²',
  r2OfTruth: "R² of the world's own expectation (knows the hidden rates, out of reach)",
  meanAbsoluteError: 'mean absolute error',
  gini: 'normalised Gini',
  giniOfTruth: "the same of the world's own expectation",
  sumRatio: 'sum predicted / sum actual',
};

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');

const figure = (value: number): string => value.toFixed(3);

function metricsTable(metrics: Manifest['metrics']): string {
  const rows = Object.entries(metrics).map(([name, { value, low, high }]) => [
    METRICS[name] ?? name,
    figure(value),
    `${figure(low)} to ${figure(high)}`,
  ]);
  return table(['validation rows', 'value', '95 % interval'], rows);
}

function fairnessText(fairness: TrainerReport['fairness']): string {
  const parts = Object.entries(fairness).map(([attribute, { selectionRatio, groups }]) => {
    const rows = Object.entries(groups).map(([value, group]) => [
      value,
      String(group.rows),
      figure(group.meanScore),
      figure(group.meanLabel),
      figure(group.selected),
    ]);
    const head = [attribute, 'rows', 'mean score', 'mean label', 'among the highest fifth'];
    const rule = selectionRatio >= 0.8 ? 'keeps' : 'does not keep';
    return `${table(head, rows)}\n\nLowest share over highest: ${figure(selectionRatio)}, which ${rule} the 80 % rule.`;
  });
  if (parts.length === 0) return 'The data holds no groups of at least 200 rows, so nothing was measured.';
  return parts.join('\n\n');
}

export function modelCard(report: TrainerReport, draft: Omit<Manifest, 'files'>): string {
  const { name, version, trainingRange, rows, parameters } = draft;
  const gain = Object.entries(report.gain).map(([feature, share]) => [feature, figure(share)]);
  return `# ${name} ${version}

**For demonstration. Fitted on a synthetic world, not on anybody's customers.**

## Intended use
It answers ${ANSWERS[name] ?? 'a number'}. It lets a new
installation score from the first minute. Before a decision about people rests on it, train on your own archive.

Not for: prices for single persons, credit, employment, or any decision that the law reserves to people.

## Data
- Source: ${trainingRange.source}.
- Snapshots from ${trainingRange.from} to ${trainingRange.until} for training; the archive ends at ${trainingRange.archiveEnd}.
- Training: ${rows.train.rows} rows of ${rows.train.customers} customers. Validation: ${rows.validation.rows} rows of ${rows.validation.customers} other customers, at later instants.
- A vector knows only what had arrived by its instant. Age, gender and location are no inputs.

## Method
XGBoost, ${String(parameters['objective'])}, ${String(parameters['trees'])} trees of depth at most ${String(parameters['max_depth'])}, seed ${draft.seed}. Share of the gain:

${table(['feature', 'share'], gain)}

## Metrics
${metricsTable(report.metrics)}

Intervals: bootstrap over customers. Number and depth of the trees were chosen with an eye on these rows, so the figures
are a little kind.

## Fairness
${fairnessText(report.fairness)}

## Limits
- In this world the groups above are drawn by lot: differences between them are chance, and say nothing of yours.
- The world is simulated: its rates, seasons and drop-out are assumptions. Real customers differ.
- Customers first seen less than ${name === 'engagement' ? 30 : 60} days ago were not among the training rows; they are scored all the same.
- Features that the world does not produce were constant or undefined in training and move nothing here.
`;
}
