import type { Command } from 'commander';
import { contextOf, withExamples } from '../context';
import type { Io } from '../io';
import { environmentName, FIELD_NAMES, FIELDS } from '../settings';
import type { Field } from '../settings/field';

const HIDDEN = '(hidden)';

/** A secret that is set is hidden; one that is empty may be seen to be empty. */
const visible = (value: unknown, secret: boolean): unknown =>
  secret && (value as string | string[]).length > 0 ? HIDDEN : value;

export function settingsCommand(program: Command, io: Io): void {
  const command = program
    .command('settings')
    .description('print the settings in force, where each comes from, its unit, default and meaning')
    .action(async (_options: unknown, self: Command) => {
      const { reporter, settings } = contextOf(io, self);
      const rows = FIELD_NAMES.map(name => {
        const field = FIELDS[name] as Field<unknown>;
        return {
          name,
          value: visible(settings.values[name], field.secret),
          source: settings.sources[name],
          unit: field.unit,
          default: field.default,
          environment: environmentName(name),
          about: field.about,
        };
      });
      await reporter.table(
        [
          { title: 'setting' },
          { title: 'value' },
          { title: 'unit' },
          { title: 'from' },
          { title: 'meaning' },
        ],
        rows.map(row => [
          row.name,
          row.value === HIDDEN ? HIDDEN : JSON.stringify(row.value),
          row.unit,
          row.source,
          row.about,
        ]),
      );
      await reporter.result(rows);
    });
  withExamples(command, [
    ['rescore settings', 'every setting with its value in force'],
    ['rescore --settings shop.yaml settings --json', 'the same for a program, from a named file'],
    ['RESCORE_ALERTS_CHURN_RAISE=0.8 rescore settings', 'a variable wins over the file'],
  ]);
}
