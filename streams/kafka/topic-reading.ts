/** What a cluster holds of our topics: partitions, copies and configuration. */
import { ConfigResourceTypes, type Admin } from 'kafkajs';
import { wantedTopics, type AnyTopic, type TopicSettings } from './topics';

export interface FoundConfig {
  value: string;
  /** Set on the topic itself, not taken from the broker. */
  own: boolean;
}

export interface FoundTopic {
  partitions: number;
  /** Of the partition with the fewest copies. */
  replication: number;
  /** Effective values, the broker's defaults included. */
  configs: ReadonlyMap<string, FoundConfig>;
}

export type FoundTopics = ReadonlyMap<AnyTopic, FoundTopic>;

/** Where DescribeConfigs says that a value was set on the topic. */
const SOURCE_TOPIC = 1;

interface DescribedEntry {
  configName: string;
  configValue: string | null;
  configSource?: number;
  isDefault?: boolean;
}

function configsOf(entries: readonly DescribedEntry[]): Map<string, FoundConfig> {
  return new Map(
    entries.map(({ configName, configValue, configSource, isDefault }) => [
      configName,
      {
        value: configValue ?? '',
        own: configSource === undefined ? isDefault === false : configSource === SOURCE_TOPIC,
      },
    ]),
  );
}

/** Topics that do not exist are not in the answer. Throws what kafkajs throws. */
export async function readTopics(admin: Admin, settings: TopicSettings): Promise<FoundTopics> {
  // Asking for a topic by name makes it where brokers create topics by themselves: list first.
  const existing = new Set(await admin.listTopics());
  const wanted = wantedTopics(settings).filter(({ name }) => existing.has(name));
  if (wanted.length === 0) return new Map();
  const { topics } = await admin.fetchTopicMetadata({ topics: wanted.map(({ name }) => name) });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: wanted.map(({ name }) => ({ type: ConfigResourceTypes.TOPIC, name })),
  });
  return new Map(
    wanted.map(({ topic, name }) => {
      const partitions = topics.find(found => found.name === name)?.partitions ?? [];
      const described = resources.find(({ resourceName }) => resourceName === name);
      return [
        topic,
        {
          partitions: partitions.length,
          replication: Math.min(...partitions.map(({ replicas }) => replicas.length)),
          configs: configsOf(described?.configEntries ?? []),
        },
      ];
    }),
  );
}

/** Effective configuration of every broker, by its number; null where this user may not read it. */
export async function readBrokers(admin: Admin): Promise<ReadonlyMap<number, FoundTopic['configs']> | null> {
  const { brokers } = await admin.describeCluster();
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: brokers.map(({ nodeId }) => ({ type: ConfigResourceTypes.BROKER, name: String(nodeId) })),
    });
    return new Map(
      resources.map(({ resourceName, configEntries }) => [Number(resourceName), configsOf(configEntries)]),
    );
  } catch (error) {
    if ((error as { type?: string }).type === 'CLUSTER_AUTHORIZATION_FAILED') return null;
    throw error;
  }
}
