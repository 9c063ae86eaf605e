/** The codec of the distributed engine: schema ids of the registry, or the built-in ones where there is none. */
import type { Clock, WireCodec } from '../../processors/ports';
import type { InputTopic, OutputTopic } from '../../schemas';
import { createAvroCodec } from '../../streams/avro/codec';
import type { Settings } from '../settings';
import { usageError } from '../errors';

export interface PreparedCodec extends WireCodec {
  /** Makes records decodable at once; not needed where ids are built in. */
  prepare?: (topic: InputTopic | OutputTopic, values: Iterable<Uint8Array>) => Promise<void>;
}

export function openCodec(settings: Settings, _clock: Clock): Promise<PreparedCodec> {
  if (settings['registry.url'] !== '')
    return Promise.reject(
      usageError('registry.url is set, but the registry is not wired yet: leave it empty.'),
    );
  return Promise.resolve(createAvroCodec());
}
