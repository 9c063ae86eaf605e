import type { Command } from 'commander';
import { commandInCluster } from '../cluster/customer-command';
import { timeoutMs, targetOptions, isInCluster, type CommandTarget } from '../command-target';
import { contextOf, withExamples, type Context } from '../context';
import { knownCustomer, openExistingForWork, stateDirectory } from '../embedded';
import type { Io } from '../io';
import { carryOutCommand, startLanes } from '../lanes';
import { instant } from '../output/format';
import { printable } from '../output/table';

const erasedLine = (id: string, at: number): string =>
  `${printable(id)} is erased as of ${instant(at)}: inputs recorded until then are ignored from now on.`;

async function eraseInState(context: Context, id: string, given: string | undefined): Promise<void> {
  const { reporter } = context;
  const state = openExistingForWork(context, stateDirectory(context, given));
  try {
    knownCustomer(state, id);
    const engine = await startLanes(context, state);
    const at = await carryOutCommand(context, engine, 'erase', [id]);
    await engine.close();
    await reporter.text(
      `${erasedLine(id, at)}\n` +
        `The input log still holds its rows until they are ${settingsDays(context.settings.values['state.logRetentionDays'])} old; the files that were replayed are yours to clean.`,
    );
    await reporter.result({ customerId: id, erasedAt: instant(at) });
  } finally {
    await state.close();
  }
}

/** Done when the receipt is there: what withdraws the score for every consumer. */
async function eraseInCluster(context: Context, id: string, target: CommandTarget): Promise<void> {
  const { reporter, settings } = context;
  const answer = await commandInCluster(context, 'erase', id, timeoutMs(target));
  const { topic, partition, offset, at } = answer;
  await reporter.text(
    `${erasedLine(id, at)}\n` +
      `Receipt: ${answer.id}, a tombstone in ${topic} (partition ${partition}, offset ${offset}).\n` +
      `Kafka still holds its inputs until they are ${settingsDays(settings.values['kafka.rawRetentionDays'])} old, and the archive for as long as you keep it: docs/runbook.md, "Somebody asks for their data, or to be forgotten".`,
  );
  await reporter.result({
    customerId: id,
    erasedAt: instant(at),
    receipt: { id: answer.id, topic, partition, offset },
  });
}

export function eraseCommand(program: Command, io: Io): void {
  const command = program
    .command('erase <customer>')
    .description(
      'forget one person: facts go, published scores and alerts are withdrawn, a marker keeps them away',
    );
  targetOptions(command).action(async (id: string, target: CommandTarget, self: Command) => {
    const context = contextOf(io, self);
    if (isInCluster(target)) await eraseInCluster(context, id, target);
    else await eraseInState(context, id, target.state);
  });
  withExamples(command, [
    ['rescore erase 00042 --state out/state', 'the answer to a request for erasure'],
    ['rescore erase 00042 --cluster', 'the same on Kafka and Redis: waits for the receipt'],
  ]);
}

const settingsDays = (days: number): string => `${days} day${days === 1 ? '' : 's'}`;
