import { absent, cell, figures } from '../blocks';
import type { Block, Section } from '../blocks';
import { count, day, figure, seconds } from '../figures';
import type { RunFiles, StepFigures } from '../files';

/** Whether the vectors behind published scores are those that the archive gives. */
export const consistencySection = ({ consistency }: RunFiles): Section => ({
  id: 'consistency',
  title: 'Consistency',
  blocks: consistency === null ? absent('consistency.json', 'consistency') : compared(consistency),
});

function compared(found: NonNullable<RunFiles['consistency']>): Block[] {
  const { scores, checked, differing, missing, missingBecause, features, examples, range } = found;
  const reasons = Object.entries(missingBecause).map(([reason, scoresOf]) => `${reason}: ${count(scoresOf)}`);
  const verdict =
    checked === 0
      ? ({ tone: 'quiet', text: 'No score could be compared.' } as const)
      : differing === 0
        ? ({
            tone: 'good',
            text: 'Every vector that was computed again is the one that was scored.',
          } as const)
        : ({
            tone: 'bad',
            text: `${count(differing)} of ${count(checked)} vectors are not what was scored.`,
          } as const);
  return [
    { kind: 'text', ...verdict },
    {
      kind: 'facts',
      facts: [
        ...(range === undefined
          ? []
          : [['scores as of', `${day(range.from)} to ${day(range.until)}`] as const]),
        ['scores', count(scores)],
        ['compared', count(checked)],
        ['differing', count(differing)],
        ['not comparable', [count(missing), ...reasons].join('; ')],
      ],
    },
    ...examplesTable(examples),
    ...(Object.keys(features).length === 0
      ? []
      : [
          {
            kind: 'table',
            caption: 'Differences by feature',
            columns: [{ title: 'feature' }, figures('scores')],
            rows: Object.entries(features).map(([name, scoresOf]) => [cell(name), cell(count(scoresOf))]),
          } as const,
        ]),
  ];
}

type Example = NonNullable<RunFiles['consistency']>['examples'][number];

const difference = ({ name, published, recomputed }: Example['features'][number]): string =>
  `${name}: ${figure(published)} published, ${figure(recomputed)} recomputed`;

function examplesTable(examples: readonly Example[]): Block[] {
  if (examples.length === 0) return [];
  return [
    {
      kind: 'table',
      caption: 'The first that differ; rescore explain --score takes the id',
      columns: [{ title: 'score' }, { title: 'as of' }, { title: 'features' }],
      rows: examples.map(({ id, asOf, features }) => [
        cell(id),
        cell(asOf),
        cell(features.map(difference).join('; ') || 'its reasons do not say which'),
      ]),
    },
  ];
}

/** Where the night went. */
export const timingsSection = ({ steps }: RunFiles): Section => ({
  id: 'timings',
  title: 'Timings',
  blocks: steps.length === 0 ? absent('steps', 'run') : timings(together(steps)),
});

/** One for each name: items of a step that were done beside one another as the sum of their times and counts. */
function together(steps: readonly StepFigures[]): (StepFigures & { items: number })[] {
  return [...new Set(steps.map(({ name }) => name))].map(name => {
    const items = steps.filter(step => step.name === name);
    const counts: Record<string, number> = {};
    for (const [what, value] of items.flatMap(item => Object.entries(item.counts)))
      counts[what] = (counts[what] ?? 0) + value;
    return {
      name,
      seconds: items.reduce((sum, { seconds: took }) => sum + took, 0),
      counts,
      failed: items.find(({ failed }) => failed !== null)?.failed ?? null,
      items: items.length,
    };
  });
}

function timings(steps: ReturnType<typeof together>): Block[] {
  const counted = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .map(([what, value]) => `${what} ${Number.isInteger(value) ? count(value) : figure(value)}`)
      .join(', ');
  return [
    {
      kind: 'table',
      caption: `Together ${seconds(steps.reduce((sum, step) => sum + step.seconds, 0))}, items of replay one after the other`,
      columns: [{ title: 'step' }, figures('time'), { title: 'counts' }],
      rows: steps.map(({ name, seconds: took, counts, failed, items }) => [
        cell(items === 1 ? name : `${name}, ${count(items)} items`),
        cell(seconds(took)),
        failed === null ? cell(counted(counts)) : cell(`${failed}: ${counted(counts)}`, 'bad'),
      ]),
    },
  ];
}
