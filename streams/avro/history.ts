/** Our schemas against every version that was ever released: BACKWARD_TRANSITIVE, as registries call it. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { incompatibilities } from './compatibility';
import type { Incompatibility } from './compatibility';
import { ALL_TOPICS } from './codec';
import { schemaText } from './schemas';
import type { AnyTopic } from './schemas';
import { parseWriterSchema } from './writer-schema';

export interface SchemaVersion {
  version: number;
  schema: string;
}

export type Versions = ReadonlyMap<AnyTopic, readonly SchemaVersion[]>;

export interface TopicVerdict {
  topic: AnyTopic;
  /** What our schema was compared with. */
  versions: number[];
  /** The newest of them is our schema, but for its documentation. */
  current: boolean;
  problems: ({ version: number } & Incompatibility)[];
}

function versionsIn(folder: string): SchemaVersion[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map(file => ({ file, version: Number(/^v([1-9]\d*)\.avsc$/.exec(file)?.[1] ?? 0) }))
    .filter(({ version }) => version > 0)
    .sort((a, b) => a.version - b.version)
    .map(({ file, version }) => ({ version, schema: readFileSync(path.join(folder, file), 'utf8') }));
}

/** `<folder>/<topic>/v<version>.avsc`. */
export const readHistory = (folder: string): Versions =>
  new Map(ALL_TOPICS.map(topic => [topic, versionsIn(path.join(folder, topic))]));

/** `ownSchema` is for tests of changes that nobody has made yet. */
export function judgeTopic(
  topic: AnyTopic,
  versions: readonly SchemaVersion[],
  ownSchema = schemaText(topic),
): TopicVerdict {
  const own = parseWriterSchema(ownSchema);
  let current = false;
  const problems = versions.flatMap(({ version, schema }) => {
    try {
      const writer = parseWriterSchema(schema);
      current = own.equals(writer);
      return incompatibilities(own, writer).map(problem => ({ version, ...problem }));
    } catch (error) {
      current = false;
      return [{ version, field: '', why: `can't be read as an Avro schema: ${(error as Error).message}` }];
    }
  });
  return { topic, versions: versions.map(({ version }) => version), current, problems };
}

export const judge = (versions: Versions): TopicVerdict[] =>
  ALL_TOPICS.map(topic => judgeTopic(topic, versions.get(topic) ?? []));
