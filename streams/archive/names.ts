/** Names of the archive's objects: what a file holds can be read from its name alone. */
import { createHash } from 'node:crypto';
import type { EpochDay, ArchivedTopic } from '../../schemas';
import { midnight } from '../../schemas';

export interface FilePlace {
  topic: ArchivedTopic;
  partition: number;
  day: EpochDay;
  first: number;
  end: number;
}

const PARTITION_DIGITS = 5;
/** As long as the largest offset that a number holds exactly. */
const OFFSET_DIGITS = 16;
const MARKER_BYTES = 16;

export const DESCRIPTION_NAME = 'archive.json';
export const MANIFEST_FOLDER = 'manifest/';

/** `YYYY-MM-DD` */
export const dayText = (day: EpochDay): string => new Date(midnight(day)).toISOString().slice(0, 10);

export const manifestName = (day: string): string => `${MANIFEST_FOLDER}day=${day}.json`;

const padded = (value: number, digits: number): string => String(value).padStart(digits, '0');

export const fileName = ({ topic, partition, day, first, end }: FilePlace): string =>
  `${topic}/day=${dayText(day)}/p${padded(partition, PARTITION_DIGITS)}-${padded(first, OFFSET_DIGITS)}-${padded(end, OFFSET_DIGITS)}.avro`;

/** Separates the blocks of a container file; random elsewhere, here a function of the name. */
export const syncMarker = (name: string): Buffer =>
  createHash('sha256').update(name).digest().subarray(0, MARKER_BYTES);
