/** `rescore models upload` and `shadow`: a version comes into the registry, and answers beside the one that scores. */
import type { Command } from 'commander';
import { bringIn } from '../../models/registry/publish';
import { currentPointer } from '../../models/registry/registry';
import { setShadow } from '../../models/registry/shadow-pointer';
import { contextOf, withExamples } from '../context';
import { usageError } from '../errors';
import type { Io } from '../io';
import { signedFolder } from '../models/folder';
import { currentVersion, replayed, versionsOf, withRegistry } from '../models/registry';

const OFF = 'off';

export function uploadCommand(models: Command, io: Io): void {
  const command = models
    .command('upload <name>')
    .description('bring a signed artifact into the registry, verified before and after; what scores stays')
    .requiredOption('--from <folder>', 'a signed artifact in a folder')
    .action(async (name: string, { from }: { from: string }, self: Command) => {
      const context = contextOf(io, self);
      await withRegistry(context, async place => {
        const sealed = await signedFolder(context, name, from);
        await bringIn(place, sealed, replayed);
        const { version } = sealed;
        const current = (await currentPointer(place, name))?.version ?? null;
        await context.reporter.text(
          `${name}/${version} is in the registry; ${current ?? 'no version'} scores, as before. Next: \`rescore models shadow ${name} ${version}\`, or \`promote\`.`,
        );
        await context.reporter.result({ name, version, current });
      });
    });
  withExamples(command, [
    [
      'rescore models upload churn --from runs/tonight/candidates/churn',
      'after `rescore models sign`; the gate is not asked, as nothing begins to score',
    ],
  ]);
}

export function shadowCommand(models: Command, io: Io): void {
  const command = models
    .command('shadow <name> [version]')
    .description('let a version answer beside the current one, to be compared in the metrics; `off` ends it')
    .option('--from <folder>', 'a signed artifact in a folder: it is brought into the registry first')
    .action(async (name: string, given: string | undefined, { from }: { from?: string }, self: Command) => {
      const context = contextOf(io, self);
      if ((given === undefined) === (from === undefined))
        throw usageError('Name a version of the registry, `off`, or a folder with --from (one of them).');
      await withRegistry(context, async place => {
        const sealed = from === undefined ? null : await signedFolder(context, name, from);
        const version = given === OFF ? null : (sealed?.version ?? given!);
        if (version === null) await versionsOf(place, name);
        else if ((await currentVersion(place, name)) === version)
          throw usageError(`${name}/${version} is the current version: there is nothing to compare it with.`);
        if (sealed !== null) await bringIn(place, sealed, replayed);
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
    [
      'rescore models shadow churn --from runs/tonight/candidates/churn',
      'a candidate that was signed, also one that the gate refused',
    ],
    ['rescore models shadow churn off', 'ends it'],
  ]);
}
