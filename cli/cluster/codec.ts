/** The codec of the distributed engine: schema ids of the registry, or the built-in ones where there is none. */
import type { Clock, WireCodec } from '../../processors/ports';
import type { InputTopic, OutputTopic } from '../../schemas';
import { createAvroCodec } from '../../streams/avro/codec';
import { openRegistryCodec } from '../../streams/avro/registry-codec';
import type { Settings } from '../settings';
import { inRegistryWords, registryAddress } from './registry';

export interface PreparedCodec extends WireCodec {
  /** Makes records decodable at once; not needed where ids are built in. */
  prepare?: (topic: InputTopic | OutputTopic, values: Iterable<Uint8Array>) => Promise<void>;
}

/**
 * A codec that only reads works also before our own schemas are registered.
 * @throws CliError registry-unreachable, registry-refused, schemas-unregistered
 */
export async function openCodec(
  settings: Settings,
  clock: Clock,
  use: 'reads' | 'writes' = 'writes',
): Promise<PreparedCodec> {
  if (settings['registry.url'] === '') return createAvroCodec();
  try {
    const topicPrefix = settings['kafka.topicPrefix'];
    return await openRegistryCodec({
      ...registryAddress(settings),
      topicPrefix,
      clock,
      writes: use === 'writes',
    });
  } catch (error) {
    throw inRegistryWords(error);
  }
}
