import { cell, figures } from '../blocks';
import type { Block, Cell, Section } from '../blocks';
import { figure, interval, metricName, signed, toneOf } from '../figures';
import type { RunFiles, Trained } from '../files';

/** One line a model: what was decided, how good it is, whether the world has moved. */
export const summarySection = (files: RunFiles): Section => ({
  id: 'summary',
  title: 'Summary',
  blocks: [sentence(files), ...table(files)],
});

function sentence({ gate, publish, trained }: RunFiles): Block {
  if (trained.size === 0) return { kind: 'text', tone: 'quiet', text: 'No model was trained yet.' };
  const promoted = publish?.models.filter(model => model.promoted).map(({ name }) => name) ?? [];
  const shadows = publish?.models.filter(model => model.shadows).map(({ name }) => name) ?? [];
  const refused = gate?.models.filter(({ decision }) => decision !== 'promote').map(({ name }) => name) ?? [];
  const parts = [
    promoted.length > 0 ? `New from this run: ${promoted.join(', ')}.` : 'No model of this run scores.',
    shadows.length > 0 ? `Beside the current one: ${shadows.join(', ')}.` : '',
    refused.length > 0 ? `Refused by the gate: ${refused.join(', ')}.` : '',
  ];
  return { kind: 'text', text: parts.filter(part => part !== '').join(' ') };
}

function table({ gate, publish, trained, drift }: RunFiles): Block[] {
  if (trained.size === 0) return [];
  const row = ([name, report]: [string, Trained]): Cell[] => {
    const decision = gate?.models.find(model => model.name === name)?.decision;
    const published = publish?.models.find(model => model.name === name);
    const metric = ['auc', 'gini', 'r2'].find(one => report.metrics[one] !== undefined);
    const found = metric === undefined ? undefined : report.championDifferences?.[metric];
    const psi = drift?.scores.find(score => score.model === name)?.psi;
    return [
      cell(name),
      decision === undefined ? cell('–') : cell(decision, decision === 'promote' ? 'good' : 'bad'),
      cell(published === undefined ? '–' : published.promoted ? 'yes' : published.shadows ? 'shadow' : 'no'),
      cell(metric === undefined ? '–' : `${metricName(metric)} ${interval(report.metrics[metric])}`),
      found === undefined ? cell('–') : cell(interval(found, signed), toneOf(metric!, found)),
      cell(figure(psi)),
    ];
  };
  return [
    {
      kind: 'table',
      caption: 'The models of this run',
      columns: [
        { title: 'model' },
        { title: 'gate' },
        { title: 'published' },
        figures('on validation rows'),
        figures('minus the current model'),
        figures('PSI of scores'),
      ],
      rows: [...trained].map(row),
    },
  ];
}
