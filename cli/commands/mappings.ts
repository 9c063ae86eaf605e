import type { Command } from 'commander';
import { shippedMappings } from '../../streams/mapping';
import { contextOf, withExamples } from '../context';
import type { Io } from '../io';

export function mappingsCommand(program: Command, io: Io): void {
  const command = program
    .command('mappings')
    .description('list the mappings that come with rescore, for `rescore replay --map`')
    .action(async (_options: unknown, self: Command) => {
      const { reporter } = contextOf(io, self);
      const mappings = shippedMappings().map(({ name, format, description }) => ({
        name,
        format,
        description,
      }));
      await reporter.table(
        [{ title: 'mapping' }, { title: 'format' }, { title: 'what it reads' }],
        mappings.map(({ name, format, description }) => [name, format, description]),
      );
      await reporter.result(mappings);
    });
  withExamples(command, [
    ['rescore mappings', 'names for --map; a mapping of your own is a YAML file named by its path'],
  ]);
}
