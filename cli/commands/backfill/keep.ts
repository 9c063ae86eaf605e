/** `rescore backfill keep`: what a night found, out of its run folder into a place that outlives it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import type { Command } from 'commander';
import { withArchive } from '../../cluster/archive';
import { contextOf, withExamples, type Context } from '../../context';
import { CliError } from '../../errors';
import type { Io } from '../../io';
import { bytes, count } from '../../output/format';

interface Options {
  run: string;
  to: string;
}

/** Large, and made again from the archive and the registry; or left by a step that was stopped. */
const LEFT_OUT = /^(items|source|champions)\/|^dataset\.parquet$|\.(partial|lock)(\/|$)/;

/** What the checks write with --metrics, as k8s/ runs them. */
const METRICS = 'metrics.prom';

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter(name => !LEFT_OUT.test(name))
    .sort();
}

async function keep(context: Context, { run, to }: Options): Promise<void> {
  const { path, reporter } = context;
  const folder = path(run);
  if (!existsSync(join(folder, 'plan.json')))
    throw new CliError('input-missing', `${run} has no plan.json: it is no run folder.`);
  // Slashes at its end, but not those of s3:// itself.
  const place = `${to.replace(/(?<!^s3:\/*)\/+$/, '')}/${basename(folder)}`;
  const names = filesOf(folder);
  let size = 0;
  await withArchive(
    context,
    async storage => {
      for (const name of names) {
        const content = readFileSync(join(folder, name));
        await storage.write(name, content);
        size += content.length;
      }
    },
    place,
  );
  if (names.includes(METRICS)) await keepMetrics(context, join(folder, METRICS), to);
  await reporter.text(`${count(names.length)} file(s), ${bytes(size)}, are kept in ${place}.`);
  await reporter.result({ place, files: names.length, bytes: size });
}

/** Beside the folders of the nights: processors show those of the last one (backfill.metrics). */
const keepMetrics = (context: Context, file: string, to: string): Promise<void> =>
  withArchive(context, storage => storage.write(METRICS, readFileSync(file)), to);

export function addKeep(backfill: Command, io: Io): void {
  const command = backfill
    .command('keep')
    .description(
      'copy the results of a night (reports, cards, decisions; not its data) to a folder or a bucket',
    )
    .requiredOption('--run <dir>', 'run folder that all steps share')
    .requiredOption(
      '--to <location>',
      'folder or s3://bucket/prefix; the run gets a folder of its name there',
    )
    .action((options: Options, self: Command) => keep(contextOf(io, self), options));
  withExamples(command, [
    [
      'rescore backfill keep --run /nights/night-29405490 --to s3://shop-rescore/nights',
      'with the endpoint and the region of the archive: archive.s3Endpoint, archive.s3Region',
    ],
  ]);
}
