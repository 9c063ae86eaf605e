import { absent, cell, figures } from '../blocks';
import type { Block, Section } from '../blocks';
import { count, figure } from '../figures';
import type { RunFiles, Trained } from '../files';

/** How far answers can be believed, and what the highest are worth. */
export const curvesSection = ({ trained }: RunFiles): Section => ({
  id: 'curves',
  title: 'Calibration and lift',
  blocks:
    trained.size === 0
      ? absent('trained/MODEL/report.json', 'train')
      : [...trained.values()].flatMap(report => [
          { kind: 'heading', text: report.model } as const,
          ...curves(report),
        ]),
});

function curves({ curves: found, model }: Trained): Block[] {
  if (found === undefined) return [{ kind: 'text', tone: 'quiet', text: 'Its report holds no curves.' }];
  const { calibration, lift } = found;
  const largest = Math.max(0, ...calibration.flatMap(({ score, label }) => [score, label]));
  return [
    {
      kind: 'charts',
      charts: [
        {
          form: 'curve',
          title: `${model}: calibration`,
          x: 'mean answer',
          y: 'mean label',
          points: calibration.map(({ score, label }) => [score, label] as const),
          reference: [largest, largest],
          referenceName: 'as promised',
        },
        {
          form: 'curve',
          title: `${model}: gain`,
          x: 'share of rows, highest answers first',
          y: 'share of all label',
          points: [[0, 0] as const, ...lift.map(({ share, gain }) => [share, gain] as const)],
          reference: [1, 1],
          referenceName: 'by chance',
        },
      ],
    },
    {
      kind: 'table',
      caption: `Calibration of ${model} in bins of equal count`,
      columns: [figures('mean answer'), figures('mean label'), figures('rows')],
      rows: calibration.map(({ score, label, rows }) => [
        cell(figure(score)),
        cell(figure(label)),
        cell(count(rows)),
      ]),
    },
  ];
}
