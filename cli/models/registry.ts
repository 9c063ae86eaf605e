/** The registry of models as commands open it: place and trust from the settings. */
import { userInfo } from 'node:os';
import { BASELINE_KEYS, BASELINE_SET } from '../../models';
import type { ScorerPlace, TrustedKey } from '../../models';
import type { GateLimits } from '../../models/gate/gate';
import { OnnxModel } from '../../models/onnx/session';
import type { Accept } from '../../models/registry/publish';
import { openStore } from '../../models/registry/open-store';
import { currentPointer, listVersions } from '../../models/registry/registry';
import type { StorePlace } from '../../models/registry/registry';
import { packagePath, type Context } from '../context';
import { CliError, EXIT } from '../errors';
import type { Io } from '../io';
import type { Settings } from '../settings';

const MEGABYTE = 1 << 20;

/** The keys that come with rescore are trusted for the set `baseline` alone, those of the settings for models.set alone. */
export function modelTrust(settings: Settings): { set: string; keys: readonly TrustedKey[] } {
  const set = settings['models.set'];
  const own = settings['models.trustedKeys'];
  if (set === BASELINE_SET && own.length > 0)
    throw new CliError(
      'models-trust',
      'models.trustedKeys are given, and models.set is baseline, which only the key that comes with rescore signs.',
      EXIT.usage,
    );
  return { set, keys: [...BASELINE_KEYS, ...own.map(publicKey => ({ publicKey, sets: [set] }))] };
}

/** Where the models lie and whose signatures count: what a scorer is opened with. @throws CliError models-trust */
export function modelsPlace(
  io: Io,
  settings: Settings,
): Required<Omit<ScorerPlace, 'names' | 'versions' | 'explains'>> {
  const given = settings['models.directory'];
  return {
    // A path stays one; s3://bucket/prefix is no path.
    directory: given.startsWith('s3://') ? given : packagePath(io, given),
    s3: { endpoint: settings['models.s3Endpoint'], region: settings['models.s3Region'] },
    ...modelTrust(settings),
  };
}

/** @throws CliError models-trust, ArtifactError */
export async function withRegistry<T>(context: Context, work: (place: StorePlace) => Promise<T>): Promise<T> {
  const { directory, s3, set, keys } = modelsPlace(context.io, context.settings.values);
  const store = openStore(directory, s3);
  try {
    return await work({ store, set, keys });
  } finally {
    store.close();
  }
}

/** Versions of a name, oldest first. @throws CliError model-unknown */
export async function versionsOf(place: StorePlace, name: string): Promise<string[]> {
  const versions = (await listVersions(place)).get(name);
  if (versions === undefined)
    throw new CliError('model-unknown', `There is no model ${JSON.stringify(name)} in ${place.store.place}.`);
  return versions;
}

/** @throws CliError model-unknown, ArtifactError */
export async function currentVersion(place: StorePlace, name: string): Promise<string> {
  await versionsOf(place, name);
  const pointer = await currentPointer(place, name);
  if (pointer === null)
    throw new CliError('model-unknown', `No version of ${name} is current: name one, or promote one.`);
  return pointer.version;
}

/** Opens it in the runtime: its golden vectors are replayed. */
export const replayed: Accept = async artifact => (await OnnxModel.open(artifact)).release();

export const gateLimits = (settings: Settings): GateLimits => ({
  customers: settings['gate.customers'],
  historyDays: settings['gate.historyDays'],
  eachClass: settings['gate.eachClass'],
  tolerance: settings['gate.tolerance'],
  calibrationError: settings['gate.calibrationError'],
  featureAuc: settings['gate.featureAuc'],
  featureR2: settings['gate.featureR2'],
  selectionRatio: settings['gate.selectionRatio'],
  equalizedOddsDifference: settings['gate.equalizedOddsDifference'],
  groupCalibrationError: settings['gate.groupCalibrationError'],
  fairnessChance: settings['gate.fairnessChance'],
  proxyAuc: settings['gate.proxyAuc'],
  bytes: settings['gate.megabytes'] * MEGABYTE,
  microsPerRow: settings['gate.microsPerRow'],
});

/** Who decides, for the audit: --by, or the user of this process. */
export function decider({ io }: Context, by: string | undefined): string {
  const name = by ?? io.env['USER'] ?? io.env['LOGNAME'] ?? accountName();
  return name === '' ? 'unknown' : name;
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}
