/** The Avro schemas of schemas/avro, found beside package.json from source and from dist/ alike. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../package-root';
import type { InputTopic, OutputTopic } from '../../schemas';

export type AnyTopic = InputTopic | OutputTopic;

/** A parsed schema, as far as the bounds check needs to know it. */
export type AvroSchema =
  | string
  | AvroSchema[]
  | { type: 'record'; name: string; fields: { name: string; type: AvroSchema }[] }
  | { type: 'enum'; name: string; symbols: string[] }
  | { type: 'array'; items: AvroSchema }
  | { type: 'map'; values: AvroSchema }
  | { type: 'fixed'; name: string; size: number };

const schemaFolder = (): string => path.join(packageRoot(), 'schemas', 'avro');

export const loadSchema = (topic: AnyTopic): AvroSchema =>
  JSON.parse(readFileSync(path.join(schemaFolder(), `${topic}.avsc`), 'utf8')) as AvroSchema;

/** What a registry is given: always the same text, since some compare it byte by byte. */
export const schemaText = (topic: AnyTopic): string => JSON.stringify(loadSchema(topic));

/** Every version that was ever released, oldest first: `<topic>/v<version>.avsc`. */
export const historyFolder = (): string => path.join(schemaFolder(), 'history');

/**
 * Ids of the built-in schemas in the Confluent framing, used where there is no registry (embedded mode). They are
 * written into logs: never reuse one, add a line for a new version.
 */
export const BUILT_IN_IDS: Readonly<Record<AnyTopic, number>> = {
  'web-events': 1,
  orders: 2,
  customers: 3,
  'customer-commands': 4,
  'customer-mail': 5,
  'engagement-scores': 11,
  'engagement-alerts': 7,
  sessions: 8,
  'late-events': 9,
  'dead-letters': 10,
};

/** Ids of versions that we wrote before, with their number in the history. */
export const EARLIER_IDS: Readonly<Partial<Record<AnyTopic, ReadonlyMap<number, number>>>> = {
  'engagement-scores': new Map([[6, 1]]),
};

/** A version of the history. */
export const earlierText = (topic: AnyTopic, version: number): string =>
  readFileSync(path.join(historyFolder(), topic, `v${version}.avsc`), 'utf8');
