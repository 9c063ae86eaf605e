/**
 * Makes what is missing of the wanted topics. What exists keeps its partitions, and its configuration too unless it
 * may be altered. A second run finds everything done.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ConfigResourceTypes, type Admin } from 'kafkajs';
import { inputPartitions, neededOf } from './topic-check';
import { readTopics, type FoundTopic } from './topic-reading';
import {
  isInput,
  satisfies,
  wantedTopics,
  type TopicSettings,
  type WantedConfig,
  type WantedTopic,
} from './topics';

export type TopicAction = 'created' | 'altered' | 'unchanged' | 'differs' | 'refused';

export interface TopicChange {
  topic: string;
  /** With `dryRun`: what would have been done. */
  action: TopicAction;
  partitions: number;
  /** `name=value` of what was set; what differs and was left; why it was refused. */
  details: readonly string[];
}

export interface CreateOptions {
  /** The broker checks what it would do, and does nothing. */
  dryRun: boolean;
  /** Configuration entries that do not do what is wanted are changed. */
  alter: boolean;
}

/** How long a broker may take to make a topic, and how often it is asked afterwards. */
const TIMEOUT_MS = 20_000;
const WAIT_MS = 50;

const differing = (wanted: WantedTopic, found: FoundTopic, settings: TopicSettings): WantedConfig[] =>
  neededOf(wanted, found, settings).filter(config => {
    const actual = found.configs.get(config.name);
    return actual !== undefined && !satisfies(config, actual.value);
  });

async function create(admin: Admin, wanted: WantedTopic, partitions: number, dryRun: boolean): Promise<void> {
  const { name, replication, configs } = wanted;
  // Answers false when somebody else made it meanwhile: that is as good.
  await admin.createTopics({
    validateOnly: dryRun,
    waitForLeaders: false,
    timeout: TIMEOUT_MS,
    topics: [
      {
        topic: name,
        numPartitions: partitions,
        replicationFactor: replication,
        configEntries: configs.map(config => ({ name: config.name, value: config.value })),
      },
    ],
  });
}

/** The request replaces all entries of a topic, so what others have set there is sent along. */
async function alter(
  admin: Admin,
  { name }: WantedTopic,
  found: FoundTopic,
  changes: readonly WantedConfig[],
  dryRun: boolean,
): Promise<void> {
  const entries = new Map(
    [...found.configs].filter(([, { own }]) => own).map(([key, { value }]) => [key, value]),
  );
  for (const { name: key, value } of changes) entries.set(key, value);
  await admin.alterConfigs({
    validateOnly: dryRun,
    resources: [
      {
        type: ConfigResourceTypes.TOPIC,
        name,
        configEntries: [...entries].map(([key, value]) => ({ name: key, value })),
      },
    ],
  });
}

async function existing(
  admin: Admin,
  wanted: WantedTopic,
  found: FoundTopic,
  settings: TopicSettings,
  options: CreateOptions,
): Promise<TopicChange> {
  const { name: topic } = wanted;
  const { partitions } = found;
  const changes = differing(wanted, found, settings);
  if (changes.length === 0) return { topic, action: 'unchanged', partitions, details: [] };
  const was = (name: string): string => found.configs.get(name)!.value;
  if (!options.alter)
    return {
      topic,
      action: 'differs',
      partitions,
      details: changes.map(({ name, value }) => `${name} is ${was(name)}, not ${value}`),
    };
  await alter(admin, wanted, found, changes, options.dryRun);
  const details = changes.map(({ name, value }) => `${name}=${value} (was ${was(name)})`);
  return { topic, action: 'altered', partitions, details };
}

/** The answer to a creation comes before a broker knows the topic and its leaders; who comes next may ask that one. */
async function untilKnown(admin: Admin, names: readonly string[]): Promise<void> {
  for (let waited = 0; !(await areKnown(admin, names)); waited += WAIT_MS) {
    if (waited >= TIMEOUT_MS)
      throw new Error(
        `The topics were made, but have no leaders after ${TIMEOUT_MS / 1_000} s: look at the brokers.`,
      );
    await delay(WAIT_MS);
  }
}

async function areKnown(admin: Admin, names: readonly string[]): Promise<boolean> {
  const listed = new Set(await admin.listTopics());
  if (!names.every(name => listed.has(name))) return false;
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
    return topics.every(
      ({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0),
    );
  } catch (error) {
    if (NOT_YET.has((error as { type?: string }).type ?? '')) return false;
    throw error;
  }
}
const NOT_YET = new Set(['LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION']);

/**
 * One change for each of the ten topics, in their order. A missing input gets as many partitions as the inputs that
 * exist; it is refused when those disagree.
 * @throws what kafkajs throws: a refused topic names the broker's reason
 */
export async function createTopics(
  admin: Admin,
  settings: TopicSettings,
  options: CreateOptions,
): Promise<TopicChange[]> {
  const found = await readTopics(admin, settings);
  const agreed = inputPartitions(found);
  const changes: TopicChange[] = [];
  for (const wanted of wantedTopics(settings)) {
    const held = found.get(wanted.topic);
    const partitions = isInput(wanted.topic) ? (agreed ?? wanted.partitions) : wanted.partitions;
    if (held !== undefined) changes.push(await existing(admin, wanted, held, settings, options));
    else if (Number.isNaN(partitions)) changes.push(refused(wanted));
    else {
      await create(admin, wanted, partitions, options.dryRun);
      const details = wanted.configs.map(({ name, value }) => `${name}=${value}`);
      changes.push({ topic: wanted.name, action: 'created', partitions, details });
    }
  }
  const made = changes.filter(({ action }) => action === 'created').map(({ topic }) => topic);
  if (made.length > 0 && !options.dryRun) await untilKnown(admin, made);
  return changes;
}

const refused = ({ name }: WantedTopic): TopicChange => ({
  topic: name,
  action: 'refused',
  partitions: 0,
  details: ['the inputs that exist have different numbers of partitions: `rescore topics check` names them'],
});
