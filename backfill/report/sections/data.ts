import { absent, cell, figures } from '../blocks';
import type { Block, Section } from '../blocks';
import { count, day } from '../figures';
import type { RunFiles } from '../files';

/** The history, and the rows that came of it. */
export const dataSection = ({ plan, dataset, train }: RunFiles): Section => ({
  id: 'data',
  title: 'Data',
  blocks: [
    ...(plan === null ? absent('plan.json', 'plan') : planned(plan)),
    ...(dataset === null ? absent('dataset.json', 'dataset') : rows(dataset)),
    ...(train === null || train.left.length === 0 ? [] : left(train.left)),
  ],
});

const planned = ({ id, source, range, partitions, items }: NonNullable<RunFiles['plan']>): Block[] => [
  {
    kind: 'facts',
    facts: [
      ['history', source.words],
      ['from', day(range.startAt)],
      ['until', day(range.endAt)],
      ['partitions', count(partitions)],
      ['work items', count(items.length)],
      ['plan', id],
    ],
  },
];

function rows({ rows: all, customers, sha256, counts, sides }: NonNullable<RunFiles['dataset']>): Block[] {
  return [
    {
      kind: 'facts',
      facts: [
        ...Object.entries(counts).map(([name, value]) => [name, count(value)] as const),
        ['rows of the dataset', count(all)],
        ...(customers === undefined ? [] : [['customers in it', count(customers)] as const]),
        ['SHA-256', sha256.slice(0, 16)],
      ],
    },
    {
      kind: 'table',
      caption: 'Rows by model. Validation is later and of other customers.',
      columns: [
        { title: 'model' },
        figures('training rows'),
        { title: 'snapshots' },
        figures('validation rows'),
        { title: 'snapshots' },
      ],
      rows: Object.entries(sides).map(([model, { training, validation }]) => [
        cell(model),
        ...[training, validation].flatMap(side => [
          cell(count(side.rows)),
          cell(side.rows > 0 ? `${day(side.from)} to ${day(side.until)}` : 'none'),
        ]),
      ]),
    },
  ];
}

const left = (models: readonly { name: string; reason: string }[]): Block[] => [
  { kind: 'list', items: models.map(({ name, reason }) => `${name} was not trained: ${reason}`) },
];
