/** The schema registry, from the settings; its errors in our words. */
import type { Clock } from '../../processors/ports';
import { RegistryClient, RegistryError } from '../../streams/avro/registry-client';
import type { RegistryAddress } from '../../streams/avro/registry-client';
import { CliError, usageError } from '../errors';
import type { Settings } from '../settings';

export const registryAddress = (settings: Settings): RegistryAddress => ({
  url: settings['registry.url'],
  username: settings['registry.username'],
  password: settings['registry.password'],
});

/** What the registry's client threw as a `CliError`; anything else as it is. */
export const inRegistryWords = (error: unknown): unknown =>
  error instanceof RegistryError ? new CliError(error.code, error.message) : error;

/** @throws CliError registry-unreachable, registry-refused */
export async function withRegistry<T>(
  settings: Settings,
  clock: Clock,
  work: (client: RegistryClient) => Promise<T>,
): Promise<T> {
  if (settings['registry.url'] === '')
    throw usageError('registry.url is empty: there is no registry, and the schema ids are built in.');
  try {
    return await work(new RegistryClient(registryAddress(settings), clock));
  } catch (error) {
    throw inRegistryWords(error);
  }
}
