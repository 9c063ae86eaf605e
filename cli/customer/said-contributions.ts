/** Contributions on a terminal: a table with bars for each model, and the largest in sentences. */
import type { Reporter } from '../output/reporter';
import { bar, signed, type ModelExplanation } from './contributions';

const CONTRIBUTION_COLUMNS = [
  { title: 'contribution', right: true },
  { title: 'lowers            raises' },
  { title: 'feature' },
  { title: 'value', right: true },
];

export async function sayWhy(reporter: Reporter, explanations: readonly ModelExplanation[]): Promise<void> {
  const { colours } = reporter;
  for (const { name, version, margin, base, contributions } of explanations) {
    await reporter.text(
      `${colours.bold(`\nWhy ${name}`)} (${version}): margin ${signed(margin)} = ${signed(base)} for the average customer, and`,
    );
    const largest = Math.abs(contributions[0]?.contribution ?? 0);
    await reporter.table(
      CONTRIBUTION_COLUMNS,
      contributions.map(({ feature, value, contribution }) => [
        signed(contribution),
        bar(contribution, largest),
        feature,
        valueText(value),
      ]),
    );
    for (const { sentence } of contributions.slice(0, 3)) await reporter.text(`  ${sentence}`);
  }
  if (explanations.length === 0) await reporter.text('\nThe models carry no trees, so they cannot say why.');
}

export const valueText = (value: number | null): string =>
  value === null ? 'undefined' : Number.isInteger(value) ? String(value) : value.toPrecision(6);
