/** Private keys in files: made for nobody but their owner, never printed. */
import { readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { newSigningKey, readSigningKey } from '../../models/signing';
import type { SigningKey } from '../../models/signing';
import type { Context } from '../context';
import { CliError } from '../errors';

const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

/** Writes a new private key that only its owner may read. @throws CliError key-exists, key-unfit */
export async function makeKeyFile(path: string): Promise<SigningKey> {
  const key = newSigningKey();
  const handle = await open(path, 'wx', OWNER_ONLY).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new CliError('key-exists', `${path} exists.`);
    throw new CliError('key-unfit', `${path} cannot be written: ${error.message}.`);
  });
  try {
    // Whatever the umask or the folder's default says.
    await handle.chmod(OWNER_ONLY);
    await handle.writeFile(key.privateKey);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return key;
}

/** The key of --key, or of the setting. @throws CliError key-missing, key-unfit; messages hold nothing of the key */
export function openKeyFile(context: Context, given: string | undefined): SigningKey {
  const named = given ?? context.settings.values['models.signingKeyFile'];
  if (named === '') throw new CliError('key-missing', 'There is no key to sign with.');
  const path = context.path(named);
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
    if ((statSync(path).mode & OTHERS) !== 0)
      context.reporter.note(`${named} can be read by others than its owner: chmod 600 ${named}.`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError('key-unfit', `${named} cannot be read (${code ?? 'unknown'}).`);
  }
  try {
    return readSigningKey(pem);
  } catch (error) {
    const why = error instanceof TypeError ? error.message.replace(/\.$/, '') : 'it holds no private key';
    throw new CliError('key-unfit', `${named}: ${why}.`);
  }
}
