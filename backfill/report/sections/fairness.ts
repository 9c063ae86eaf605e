import { absent, cell, figures } from '../blocks';
import type { Block, Section } from '../blocks';
import { count, figure, interval, percent } from '../figures';
import type { RunFiles, Trained } from '../files';

/** The 80 % rule of the Uniform Guidelines on Employee Selection Procedures (29 CFR 1607.4 D, 1978). */
const FOUR_FIFTHS = 0.8;

/** How answers fall on groups that no model sees. */
export const fairnessSection = ({ trained }: RunFiles): Section => ({
  id: 'fairness',
  title: 'Fairness',
  blocks:
    trained.size === 0
      ? absent('trained/MODEL/report.json', 'train')
      : [
          {
            kind: 'text',
            text: 'Selected: among the fifth with the highest answers. The 80\u00a0% rule asks that the least selected group is selected at least 0.8 times as often as the most selected. Equalized odds difference: the larger gap between groups among those whose label is high, and among the others. Calibration error of a group: mean gap between label and answer over the ten bins of all rows. Small groups move far by chance: look at the intervals.',
          },
          ...[...trained.values()].flatMap(model),
        ],
});

function model({ model: name, fairness, proxies }: Trained): Block[] {
  const attributes = Object.entries(fairness);
  return [
    { kind: 'heading', text: name },
    ...(attributes.length === 0
      ? [
          {
            kind: 'text',
            tone: 'quiet',
            text: 'No two groups with enough rows, so nothing was measured.',
          } as const,
        ]
      : attributes.flatMap(([attribute, found]) => groups(name, attribute, found))),
    ...proxiesTable(name, proxies),
  ];
}

function groups(name: string, attribute: string, found: Trained['fairness'][string]): Block[] {
  const { selectionRatio, selectionRatioInterval } = found;
  const keeps = selectionRatio >= FOUR_FIFTHS;
  const ratio = selectionRatioInterval ? interval(selectionRatioInterval) : figure(selectionRatio);
  const odds = `${interval(found.equalizedOddsDifference)}${byLot(found.equalizedOddsChance)}`;
  const worst = `${figure(found.calibrationError)}${byLot(found.calibrationErrorChance)}`;
  return [
    {
      kind: 'text',
      tone: keeps ? 'good' : 'bad',
      text: `${attribute}: lowest share of selected over highest ${ratio}, which ${keeps ? 'keeps' : 'breaks'} the 80\u00a0% rule${byLot(found.selectionRatioChance)}. Equalized odds difference: ${odds}. Calibration error of the worst group: ${worst}.`,
    },
    {
      kind: 'table',
      caption: `${name} by ${attribute}`,
      columns: [
        { title: attribute },
        figures('rows'),
        figures('mean score'),
        figures('mean label'),
        figures('selected'),
        figures('of high labels'),
        figures('of others'),
        figures('calibration error'),
      ],
      rows: Object.entries(found.groups).map(([value, group]) => [
        cell(value),
        cell(count(group.rows)),
        cell(figure(group.meanScore)),
        cell(figure(group.meanLabel)),
        cell(percent(group.selected)),
        cell(percent(group.truePositiveRate)),
        cell(percent(group.falsePositiveRate)),
        cell(figure(group.calibrationError)),
      ]),
    },
  ];
}

/** How often groups drawn by lot are as far apart. */
const byLot = (chance: number | null | undefined): string =>
  chance == null ? '' : `, by lot in ${(100 * chance).toFixed(1)}\u00a0% of draws`;

function proxiesTable(name: string, proxies: Trained['proxies']): Block[] {
  const rows = Object.entries(proxies);
  if (rows.length === 0) return [];
  return [
    {
      kind: 'table',
      caption: `What the features of ${name} tell of a group, by AUC`,
      columns: [
        { title: 'attribute' },
        { title: 'told best by' },
        figures('AUC'),
        figures('all features together'),
      ],
      rows: rows.map(([attribute, { feature, auc, allFeatures }]) => [
        cell(attribute),
        cell(feature),
        cell(figure(auc)),
        cell(figure(allFeatures.auc)),
      ]),
    },
  ];
}
