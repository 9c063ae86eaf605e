/** `rescore models verify`: what a processor would say of a version, before it does. */
import type { Command } from 'commander';
import { ArtifactError } from '../../models';
import { currentPointer, listVersions, loadVersion } from '../../models/registry/registry';
import type { StorePlace, VerifiedArtifact } from '../../models/registry/registry';
import { contextOf, withExamples, type Context } from '../context';
import { CliError, usageError } from '../errors';
import type { Io } from '../io';
import { loadSealed, signedFolder } from '../models/folder';
import { count } from '../output/format';
import { printable } from '../output/table';
import { currentVersion, replayed, versionsOf, withRegistry } from '../models/registry';

interface Verified {
  name: string;
  version: string;
  /** Null: verified. */
  code: string | null;
  said: string;
}

export function verifyCommand(models: Command, io: Io): void {
  const command = models
    .command('verify [name] [version]')
    .description(
      'signature, digests, layout, form, and the golden vectors in the runtime, as before a first score',
    )
    .option('--all', 'every version, not only the current ones')
    .option('--from <folder>', 'a signed artifact in a folder, before it is in any registry')
    .action(
      async (
        name: string | undefined,
        version: string | undefined,
        options: { all?: boolean; from?: string },
        self: Command,
      ) => {
        const { all = false, from } = options;
        if ([version, all || undefined, from].filter(given => given !== undefined).length > 1)
          throw usageError('Name one version, --all, or a folder with --from (one of them).');
        const context = contextOf(io, self);
        const { reporter } = context;
        const found = await withRegistry(context, place =>
          from === undefined
            ? verifyListed(place, name, version, all)
            : verifyFolder(context, place, name, from),
        );
        await reporter.table(
          [{ title: 'model' }, { title: 'version' }, { title: 'verified' }, { title: 'what was found' }],
          found.map(one => [one.name, one.version, one.code ?? 'yes', printable(one.said)]),
        );
        await reporter.result(found);
        const wrong = found.filter(({ code }) => code !== null).length;
        if (wrong > 0)
          throw new CliError('models-unfit', `${count(wrong)} of ${count(found.length)} may not score.`);
      },
    );
  withExamples(command, [
    ['rescore models verify', 'the versions that score now; the exit code is 1 when one may not'],
    ['rescore models verify churn --all', 'every version of one model'],
    [
      'rescore models verify --from runs/tonight/candidates/churn',
      'what was signed, before it is uploaded: by the keys and for the set of the settings',
    ],
  ]);
}

async function verifyListed(
  place: StorePlace,
  name: string | undefined,
  version: string | undefined,
  all: boolean,
): Promise<Verified[]> {
  const results: Verified[] = [];
  for (const one of await chosen(place, name, version, all))
    results.push(await verifyOne(one, () => loadVersion(place, one.name, one.version, one.digest)));
  return results;
}

async function verifyFolder(
  context: Context,
  place: StorePlace,
  name: string | undefined,
  from: string,
): Promise<Verified[]> {
  const sealed = await signedFolder(context, name ?? null, from);
  return [await verifyOne(sealed, () => loadSealed(place, sealed))];
}

interface Chosen {
  name: string;
  version: string;
  /** Null: whatever a trusted key signed. */
  digest: string | null;
}

async function chosen(
  place: StorePlace,
  name: string | undefined,
  version: string | undefined,
  all: boolean,
): Promise<Chosen[]> {
  if (name !== undefined && version !== undefined) return [{ name, version, digest: null }];
  const names = name === undefined ? [...(await listVersions(place)).keys()] : [name];
  if (names.length === 0) throw new CliError('model-unknown', `${place.store.place} holds no model.`);
  const found: Chosen[] = [];
  for (const one of names) {
    const pointer = await currentPointer(place, one);
    const versions = all ? await versionsOf(place, one) : [await currentVersion(place, one)];
    for (const each of versions)
      found.push({
        name: one,
        version: each,
        digest: pointer?.version === each ? pointer.manifestSha256 : null,
      });
  }
  return found;
}

async function verifyOne(
  { name, version }: Pick<Chosen, 'name' | 'version'>,
  load: () => Promise<VerifiedArtifact>,
): Promise<Verified> {
  try {
    const artifact = await load();
    await replayed(artifact);
    const said = `signature, digests, layout, and ${count(artifact.golden.rows)} golden vectors`;
    return { name, version, code: null, said };
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    return { name, version, code: error.code, said: `${error.reason}. ${error.remedy}` };
  }
}
