import type { Command } from 'commander';
import { contextOf, withExamples } from '../context';
import { knownCustomer, openExistingForWork, stateDirectory } from '../embedded';
import type { Io } from '../io';
import { carryOutCommand, startLanes } from '../lanes';
import { instant } from '../output/format';
import { printable } from '../output/table';

export function eraseCommand(program: Command, io: Io): void {
  const command = program
    .command('erase <customer>')
    .description(
      'forget one person: facts go, published scores and alerts are withdrawn, a marker keeps them away',
    )
    .option('--state <dir>', 'state to change (default: the setting state.directory)')
    .action(async (id: string, options: { state?: string }, self: Command) => {
      const context = contextOf(io, self);
      const { reporter } = context;
      const state = openExistingForWork(context, stateDirectory(context, options.state));
      try {
        knownCustomer(state, id);
        const engine = await startLanes(context, state);
        const at = await carryOutCommand(context, engine, 'erase', [id]);
        await engine.close();
        await reporter.text(
          `${printable(id)} is erased as of ${instant(at)}: inputs recorded until then are ignored from now on.\n` +
            `The input log still holds its rows until they are ${settingsDays(context.settings.values['state.logRetentionDays'])} old; the files that were replayed are yours to clean.`,
        );
        await reporter.result({ customerId: id, erasedAt: instant(at) });
      } finally {
        await state.close();
      }
    });
  withExamples(command, [['rescore erase 00042 --state out/state', 'the answer to a request for erasure']]);
}

const settingsDays = (days: number): string => `${days} day${days === 1 ? '' : 's'}`;
