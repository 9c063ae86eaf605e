import { absent, cell, figures } from '../blocks';
import type { Block, Cell, Section } from '../blocks';
import { count, interval, metricName, percent, signed, toneOf } from '../figures';
import type { Interval, RunFiles, Trained } from '../files';

/** Each model against the one that scored until now and against what needs no model. */
export const modelsSection = ({ trained }: RunFiles): Section => ({
  id: 'models',
  title: 'Models',
  blocks:
    trained.size === 0
      ? absent('trained/MODEL/report.json', 'train')
      : [
          {
            kind: 'text',
            text: 'Measured on validation rows, with 95\u00a0% intervals from a bootstrap over customers. Differences are paired, this model minus the other; green is better and red worse than chance explains.',
          },
          ...[...trained.values()].flatMap(model),
        ],
});

function model(report: Trained): Block[] {
  const { train, validation } = report.rows;
  return [
    { kind: 'heading', text: report.model },
    {
      kind: 'text',
      text: `${report.method === undefined ? '' : `Method: ${report.method}. `}Trained on ${count(train.rows)} rows of ${count(train.customers)} customers, measured on ${count(validation.rows)} rows of ${count(validation.customers)} others. Seed ${report.seed}.`,
    },
    metricsTable(report),
    ...baselinesTable(report),
    ...whiskers(report),
    ...gainTable(report),
  ];
}

const difference = (name: string, found: Interval | undefined): Cell =>
  found === undefined ? cell('–') : cell(interval(found, signed), toneOf(name, found));

function metricsTable({ model: name, metrics, evaluation, championDifferences }: Trained): Block {
  const champion = evaluation?.champion ?? null;
  return {
    kind: 'table',
    caption:
      champion === null
        ? `${name} on validation rows. No model scored before, or none that could be compared.`
        : `${name} on validation rows, beside ${champion.version}, which scored until now.`,
    columns: [
      { title: 'metric' },
      figures('this model'),
      ...(champion === null ? [] : [figures('current model'), figures('difference')]),
    ],
    rows: Object.entries(metrics).map(([metric, found]) => [
      cell(metricName(metric)),
      cell(interval(found)),
      ...(champion === null
        ? []
        : [cell(interval(champion.metrics[metric])), difference(metric, championDifferences?.[metric])]),
    ]),
  };
}

function baselinesTable({ model: name, differences, metrics }: Trained): Block[] {
  const names = Object.keys(differences);
  if (names.length === 0) return [];
  const compared = Object.keys(metrics).filter(metric => names.some(other => differences[other]![metric]));
  return [
    {
      kind: 'table',
      caption: `${name} minus what needs no model`,
      columns: [{ title: 'metric' }, ...names.map(figures)],
      rows: compared.map(metric => [
        cell(metricName(metric)),
        ...names.map(other => difference(metric, differences[other]![metric])),
      ]),
    },
  ];
}

/** Of the one metric that says most. */
function whiskers({ model: name, metrics, differences, championDifferences }: Trained): Block[] {
  const metric = ['auc', 'gini', 'r2'].find(one => metrics[one] !== undefined);
  if (metric === undefined) return [];
  const others = Object.entries({
    ...(championDifferences ? { 'current model': championDifferences } : {}),
    ...differences,
  });
  const rows = others.flatMap(([other, found]) =>
    found[metric] === undefined ? [] : [{ name: other, figure: found[metric] }],
  );
  if (rows.length === 0) return [];
  const title = `${name}: ${metricName(metric)}, difference to`;
  return [{ kind: 'charts', charts: [{ form: 'whiskers', title, rows }] }];
}

function gainTable({ model: name, gain }: Trained): Block[] {
  const rows = Object.entries(gain);
  if (rows.length === 0) return [];
  return [
    {
      kind: 'table',
      caption: `What ${name} looks at: share of the gain, the largest`,
      columns: [{ title: 'feature' }, figures('share')],
      rows: rows.map(([feature, share]) => [cell(feature), cell(percent(share))]),
    },
  ];
}
