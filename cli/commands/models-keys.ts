/** `rescore models keygen` and `sign`. */
import { existsSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { loadVersion } from '../../models/registry/registry';
import { UNFINISHED, writeFlushed } from '../../models/registry/safe-files';
import { sealedFolder, sealedStore } from '../../models/registry/sealed';
import { keyIdOf, signBytes } from '../../models/signing';
import { contextOf, withExamples } from '../context';
import { CliError } from '../errors';
import type { Io } from '../io';
import { requireManifest } from '../models/folder';
import { makeKeyFile, openKeyFile } from '../models/key-file';
import { modelTrust } from '../models/registry';

export function keygenCommand(models: Command, io: Io): void {
  const command = models
    .command('keygen <file>')
    .description('make a key pair: the private key into a file for its owner alone, the public one printed')
    .action(async (file: string, _options: object, self: Command) => {
      const { path, reporter } = contextOf(io, self);
      const { publicKey } = await makeKeyFile(path(file));
      const keyId = keyIdOf(publicKey);
      await reporter.text(`The private key is in ${file} (mode 0600). Keep a copy where nobody else reads.`);
      await reporter.text(`The public key has the id ${keyId}. In rescore.yaml of every processor:\n`);
      await reporter.text(
        [
          'models:',
          '  directory: models # or s3://bucket/prefix',
          '  set: production',
          `  trustedKeys: ['${publicKey}']`,
          `  signingKeyFile: ${JSON.stringify(file)} # only where models are signed`,
        ].join('\n'),
      );
      await reporter.result({ file, keyId, publicKey });
    });
  withExamples(command, [
    ['rescore models keygen model-signing.pem', 'once per set of models; never in the repository'],
    [
      'RESCORE_MODELS_TRUSTED_KEYS=$(rescore --json models keygen key.pem | jq -r .publicKey)',
      'the public key as the setting takes it',
    ],
  ]);
}

export function signCommand(models: Command, io: Io): void {
  const command = models
    .command('sign <folder>')
    .description(
      'sign the manifest of an artifact in a folder, after every digest and the form of every file',
    )
    .option('--key <file>', 'private key (default: the setting models.signingKeyFile)')
    .option('--replace', 'write over a signature that is there')
    .action(async (given: string, options: { key?: string; replace?: boolean }, self: Command) => {
      const context = contextOf(io, self);
      const key = openKeyFile(context, options.key);
      const keyId = keyIdOf(key.publicKey);
      const folder = requireManifest(context, given);
      const signature = Buffer.from(signBytes(readFileSync(join(folder, 'manifest.json')), key));
      const target = join(folder, 'manifest.sig');
      const same = existsSync(target) && readFileSync(target).equals(signature);
      if (existsSync(target) && !same && options.replace !== true)
        throw new CliError(
          'target-not-empty',
          `${given}/manifest.sig holds another signature: give --replace to write over it.`,
        );
      const artifact = await signable(folder, signature, { publicKey: key.publicKey });
      const unfinished = `${target}${UNFINISHED}`;
      await rm(unfinished, { force: true });
      await writeFlushed(unfinished, signature);
      await rename(unfinished, target);
      const { set, name, version } = artifact;
      const trust = modelTrust(context.settings.values);
      if (
        trust.set !== set ||
        !trust.keys.some(one => one.publicKey === key.publicKey && one.sets.includes(set))
      )
        context.reporter.note(
          `The settings here do not trust key ${keyId} for the set ${set}: models.set, models.trustedKeys.`,
        );
      await context.reporter.text(`${name}/${version} of the set ${set} is signed by key ${keyId}.`);
      await context.reporter.result({ name, version, set, keyId });
    });
  withExamples(command, [
    [
      'rescore models sign runs/tonight/candidates/churn',
      'what `rescore backfill gate` left, with the key of models.signingKeyFile',
    ],
    [
      'rescore models sign runs/tonight/candidates/churn --key model-signing.pem --replace',
      'after a key was changed',
    ],
  ]);
}

/** Verified as a loader would, with the new signature in place. Throws `ArtifactError`. */
async function signable(folder: string, signature: Uint8Array, { publicKey }: { publicKey: string }) {
  const sealed = await sealedFolder(folder, signature);
  const { set } = JSON.parse(Buffer.from(sealed.manifest).toString('utf8')) as { set: string };
  const place = { store: sealedStore(sealed), set, keys: [{ publicKey, sets: [set] }] };
  return (await loadVersion(place, sealed.name, sealed.version, null)).manifest;
}
