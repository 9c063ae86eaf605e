/** The Confluent framing: magic byte 0, schema id (4 bytes, big endian), body. */
import { DecodeError } from '../../processors/ports';
import type { AnyTopic } from './schemas';

export const FRAME_BYTES = 5;
/** A record above this is refused before anything of it is read. */
export const MAX_RECORD_BYTES = 1_048_576;

const hasFrame = (value: Uint8Array): boolean => value.length >= FRAME_BYTES && value[0] === 0;

const idIn = (value: Uint8Array): number =>
  ((value[1]! << 24) | (value[2]! << 16) | (value[3]! << 8) | value[4]!) >>> 0;

/** The schema id of a record. @throws DecodeError record-too-large, avro-magic */
export function schemaIdOf(value: Uint8Array): number {
  if (value.length > MAX_RECORD_BYTES)
    throw new DecodeError(
      'record-too-large',
      `The record has ${value.length} bytes; at most ${MAX_RECORD_BYTES} are allowed.`,
    );
  if (!hasFrame(value))
    throw new DecodeError(
      'avro-magic',
      'The record does not begin with the magic byte 0 and a schema id. Send Avro in the Confluent format.',
    );
  return idIn(value);
}

/** As `schemaIdOf`, but -1 for what it refuses. */
export const peekSchemaId = (value: Uint8Array): number =>
  value.length <= MAX_RECORD_BYTES && hasFrame(value) ? idIn(value) : -1;

/** `remedy` is whole sentences. */
export const schemaIdRefused = (topic: AnyTopic, id: number, remedy: string): DecodeError =>
  new DecodeError(
    'avro-schema-id',
    `The record names schema id ${id}, which is not allowed on ${topic}. ${remedy}`,
  );

export function writeFrame(bytes: Uint8Array, id: number): void {
  bytes[0] = 0;
  bytes[1] = id >>> 24;
  bytes[2] = (id >>> 16) & 255;
  bytes[3] = (id >>> 8) & 255;
  bytes[4] = id & 255;
}
