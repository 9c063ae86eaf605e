import { absent, cell, figures } from '../blocks';
import type { Block, Cell, Section } from '../blocks';
import { count, day, figure, metricName } from '../figures';
import type { Drift, RunFiles } from '../files';

/** By custom: N. Siddiqi, Credit Risk Scorecards, 2006. */
export const STABLE = 0.1;
export const SHIFTED = 0.25;
const SHOWN = 15;

/** Whether customers still look as they did in training, and whether old answers came true. */
export const driftSection = ({ drift }: RunFiles): Section => ({
  id: 'drift',
  title: 'Drift',
  blocks: drift === null ? absent('drift.json', 'drift') : [...populations(drift), ...matured(drift)],
});

const psiCell = (psi: number): Cell =>
  cell(figure(psi), psi > SHIFTED ? 'bad' : psi < STABLE ? 'good' : undefined);

function populations({ models, customers, newestAt, days, left, features, scores }: Drift): Block[] {
  const against = models.map(({ name, version }) => `${name} ${version}`).join(', ');
  const who =
    days === null
      ? `as they were on ${day(newestAt)}`
      : `with a snapshot in the ${days} days until ${day(newestAt)}`;
  const about = `${count(customers)} customers ${who}, against the training quantiles of ${against || 'no model'}. PSI: below ${STABLE} stable, above ${SHIFTED} shifted.`;
  if (left !== null) return [{ kind: 'text', tone: 'quiet', text: `Not measured: ${left}` }];
  const shifted = features.filter(({ psi }) => psi > SHIFTED).length;
  const shown = features.slice(0, SHOWN);
  return [
    { kind: 'text', text: about },
    {
      kind: 'table',
      caption: 'Scores against the scores in training',
      columns: [{ title: 'model' }, figures('PSI')],
      rows: scores.map(({ model, psi }) => [cell(model), psiCell(psi)]),
    },
    {
      kind: 'text',
      text: `${count(shifted)} of ${count(features.length)} features have shifted. The ${count(shown.length)} with the largest PSI; drift.json has all.`,
    },
    {
      kind: 'charts',
      charts: [
        {
          form: 'bars',
          title: 'PSI by feature',
          rows: shown.map(({ name, psi }) => ({ name, value: psi, said: figure(psi) })),
          limits: [STABLE, SHIFTED],
        },
      ],
    },
  ];
}

const SOURCES = {
  snapshots: 'answers of the model to snapshots that it was not trained on',
  published: 'scores as they were published then',
} as const;

function matured({ matured: found }: Drift): Block[] {
  if (found.length === 0)
    return [
      { kind: 'text', tone: 'quiet', text: 'No label has matured that a score could be held against.' },
    ];
  return [
    { kind: 'heading', text: 'What was said, and what happened' },
    ...found.flatMap(
      ({ model, version, source, from, until, rows, customers, metrics, promised, calibration }) => {
        const largest = Math.max(0, ...calibration.flatMap(({ score, label }) => [score, label]));
        return [
          {
            kind: 'text',
            text: `${model} ${version}: ${SOURCES[source]}, ${day(from)} to ${day(until)}, held against what happened since; ${count(rows)} rows of ${count(customers)} customers.`,
          },
          {
            kind: 'facts',
            facts: Object.entries(metrics).map(([name, value]) => {
              const before = promised[name] === undefined ? '' : `, promised ${figure(promised[name])}`;
              return [metricName(name), `${figure(value)}${before}`] as const;
            }),
          },
          {
            kind: 'charts',
            charts: [
              {
                form: 'curve',
                title: `${model}: said and happened`,
                x: 'mean answer',
                y: 'mean label',
                points: calibration.map(({ score, label }) => [score, label] as const),
                reference: [largest, largest],
                referenceName: 'as promised',
              },
            ],
          },
        ] satisfies Block[];
      },
    ),
  ];
}
