/** `rescore models shadow`: a version answers beside the current one, and nothing of it is published. */
import type { Command } from 'commander';
import { currentPointer } from '../../models/registry/registry';
import { setShadow } from '../../models/registry/shadow-pointer';
import { contextOf, withExamples } from '../context';
import { usageError } from '../errors';
import type { Io } from '../io';
import { replayed, versionsOf, withRegistry } from '../models/registry';

const OFF = 'off';

export function shadowCommand(models: Command, io: Io): void {
  const command = models
    .command('shadow <name> <version>')
    .description('let a version answer beside the current one, to be compared in the metrics; `off` ends it')
    .action(async (name: string, given: string, _options: object, self: Command) => {
      const context = contextOf(io, self);
      const version = given === OFF ? null : given;
      await withRegistry(context, async place => {
        await versionsOf(place, name);
        if ((await currentPointer(place, name))?.version === version)
          throw usageError(`${name}/${given} is the current version: there is nothing to compare it with.`);
        const pointer = await setShadow(place, name, version, replayed);
        await context.reporter.text(
          version === null
            ? `Nothing shadows ${name} any more.`
            : `${name}/${version} answers beside the current version in every processor that follows this registry; see rescore_shadow_* in its metrics.`,
        );
        await context.reporter.result({ name, version, pointer });
      });
    });
  withExamples(command, [
    [
      'rescore models shadow churn 20260201T000000Z-1a2b3c4d',
      'it is verified first; no score of it is published',
    ],
    ['rescore models shadow churn off', 'ends it'],
  ]);
}
