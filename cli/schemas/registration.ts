/** What a registry holds of our topics, and what it is to be given. */
import { ALL_TOPICS } from '../../streams/avro/codec';
import type { Versions } from '../../streams/avro/history';
import type { RegistryClient } from '../../streams/avro/registry-client';
import { subjectOf } from '../../streams/avro/registry-codec';
import { schemaText, type AnyTopic } from '../../streams/avro/schemas';

const LEVEL = 'BACKWARD_TRANSITIVE';

export interface Registration {
  subject: string;
  /** `levelled`: the schema was there, its compatibility level was not. */
  action: 'registered' | 'levelled' | 'unchanged';
  /** Null when it would be given one. */
  id: number | null;
}

/** @throws RegistryError */
export async function registeredVersions(client: RegistryClient, topicPrefix: string): Promise<Versions> {
  const found = ALL_TOPICS.map(
    async topic => [topic, await client.versionsOf(subjectOf(topicPrefix, topic))] as const,
  );
  return new Map(await Promise.all(found));
}

async function registerOne(
  client: RegistryClient,
  subject: string,
  topic: AnyTopic,
  dryRun: boolean,
): Promise<Registration> {
  const text = schemaText(topic);
  const known = await client.lookUp(subject, text);
  const levelled = (await client.compatibilityOf(subject)) === LEVEL;
  // The level first: then the registry looks at the new version as well.
  if (!levelled && !dryRun) await client.setCompatibility(subject, LEVEL);
  if (known !== null) return { subject, action: levelled ? 'unchanged' : 'levelled', id: known.id };
  return { subject, action: 'registered', id: dryRun ? null : await client.register(subject, text) };
}

/** One topic after another, in a fixed order. @throws RegistryError */
export async function registerAll(
  client: RegistryClient,
  topicPrefix: string,
  dryRun: boolean,
): Promise<Registration[]> {
  const done: Registration[] = [];
  for (const topic of ALL_TOPICS)
    done.push(await registerOne(client, subjectOf(topicPrefix, topic), topic, dryRun));
  return done;
}
