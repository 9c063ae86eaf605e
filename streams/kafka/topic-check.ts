/** Compares the topics of a cluster with the wanted ones: what must not be so, and what should not. */
import type { Admin } from 'kafkajs';
import { INPUT_TOPICS } from '../../schemas';
import { readBrokers, readTopics, type FoundTopic, type FoundTopics } from './topic-reading';
import {
  configsOf,
  isInput,
  MAX_TOPIC_MESSAGE_BYTES,
  satisfies,
  wantedTopics,
  type Level,
  type TopicSettings,
  type WantedConfig,
  type WantedTopic,
} from './topics';

export interface Finding {
  level: Level;
  /** With its prefix; the cluster's own limits are found under `cluster`. */
  topic: string;
  /** What is wrong, and what to do. */
  message: string;
}

const ALTER = 'Run `rescore topics create --alter`.';

/** A compacted topic that also drops by age keeps what is wanted for as long as that age. */
const isMilder = ({ name, value }: WantedConfig, actual: string): boolean =>
  name === 'cleanup.policy' && value === 'compact' && actual.split(',').includes('compact');

function levelOf(wanted: WantedConfig, actual: string): Level {
  if (wanted.fatalBelow !== undefined && Number(actual) < wanted.fatalBelow) return 'error';
  return isMilder(wanted, actual) ? 'warning' : wanted.level;
}

/** Replays of history are allowed to be what they are, but not by mistake. */
function anyTimestamps({ name }: WantedTopic, actual: string): Finding[] {
  if (actual === 'LogAppendTime') return [];
  const message = `message.timestamp.type is ${actual}: producers' clocks move the windows. That is for replays of history only: set kafka.timestamps to log-append for live data, then ${ALTER.slice(0, 1).toLowerCase()}${ALTER.slice(1)}`;
  return [{ level: 'warning', topic: name, message }];
}

/** More copies in sync than there are copies would refuse every send: what is wanted goes by those that exist. */
export const neededOf = (
  { topic, replication }: WantedTopic,
  found: FoundTopic,
  settings: TopicSettings,
): WantedConfig[] => configsOf(topic, { ...settings, replication: Math.min(replication, found.replication) });

function configFindings(wanted: WantedTopic, found: FoundTopic, settings: TopicSettings): Finding[] {
  return neededOf(wanted, found, settings).flatMap((config): Finding[] => {
    const actual = found.configs.get(config.name)?.value;
    // A broker that does not know the entry cannot break it.
    if (actual === undefined) return [];
    if (config.name === 'message.timestamp.type' && settings.timestamps === 'any')
      return anyTimestamps(wanted, actual);
    if (satisfies(config, actual)) return [];
    const message = `${config.name} is ${actual}, not ${config.value}: ${config.why}. ${ALTER}`;
    return [{ level: levelOf(config, actual), topic: wanted.name, message }];
  });
}

function copies({ name, replication }: WantedTopic, found: FoundTopic): Finding[] {
  const findings: Finding[] = [];
  const inSync = Number(found.configs.get('min.insync.replicas')?.value ?? 1);
  if (found.replication < replication)
    findings.push({
      level: 'warning',
      topic: name,
      message: `a partition has ${found.replication} of the ${replication} copies that kafka.replication wants. Add copies with kafka-reassign-partitions, or correct the setting.`,
    });
  if (inSync > found.replication)
    findings.push({
      level: 'error',
      topic: name,
      message: `min.insync.replicas is ${inSync}, above the ${found.replication} copies of a partition: every send is refused. Add copies, or lower min.insync.replicas.`,
    });
  return findings;
}

/** The five inputs are read partition by partition together, so they must have the same number of them. */
function coPartitioning(wanted: readonly WantedTopic[], found: FoundTopics): Finding[] {
  const inputs = wanted.filter(({ topic }) => isInput(topic) && found.has(topic));
  const counts = inputs.map(({ topic }) => found.get(topic)!.partitions);
  if (new Set(counts).size > 1) {
    const said = inputs.map(({ name }, at) => `${name} ${counts[at]}`).join(', ');
    const message = `the inputs have different numbers of partitions (${said}): a customer would be in several lanes. Make new topics with one number, under another kafka.topicPrefix, and produce into them.`;
    return [{ level: 'error', topic: inputs[0]!.name, message }];
  }
  const [first] = inputs;
  if (first === undefined || counts[0] === first.partitions) return [];
  const message = `the inputs have ${counts[0]} partitions, the setting kafka.partitions says ${first.partitions}. The number of a topic that exists is kept: correct the setting.`;
  return [{ level: 'warning', topic: first.name, message }];
}

/** Pure: what `found` is missing or has otherwise. Errors first, then in the order of the topics. */
export function findingsOf(settings: TopicSettings, found: FoundTopics): Finding[] {
  const wanted = wantedTopics(settings);
  const findings = wanted.flatMap((topic): Finding[] => {
    const held = found.get(topic.topic);
    if (held !== undefined) return [...configFindings(topic, held, settings), ...copies(topic, held)];
    const message =
      'does not exist, or this user may not describe it. Run `rescore topics create`, or allow Describe and DescribeConfigs.';
    return [{ level: 'error', topic: topic.name, message }];
  });
  const all = [...coPartitioning(wanted, found), ...findings];
  return [...all.filter(({ level }) => level === 'error'), ...all.filter(({ level }) => level === 'warning')];
}

/** Limits that no topic can lift. */
async function clusterFindings(admin: Admin): Promise<Finding[]> {
  const brokers = await readBrokers(admin);
  if (brokers === null) {
    const message =
      "this user may not read the brokers' limits. Allow DescribeConfigs on the cluster, or see that socket.request.max.bytes is above 16 MiB.";
    return [{ level: 'warning', topic: 'cluster', message }];
  }
  return [...brokers].flatMap(([id, configs]): Finding[] => {
    const limit = Number(configs.get('socket.request.max.bytes')?.value ?? Infinity);
    if (limit >= MAX_REQUEST_BYTES) return [];
    const message = `broker ${id}: socket.request.max.bytes is ${limit}, below the ${MAX_REQUEST_BYTES} bytes that a batch of a lane may take: its messages would be refused. Raise it in the broker's configuration.`;
    return [{ level: 'error', topic: 'cluster', message }];
  });
}

/** The outbox of a batch, 8 MB, with room for the message that crosses the mark. */
const MAX_REQUEST_BYTES = 8 * MAX_TOPIC_MESSAGE_BYTES;

/**
 * What must not be so (error) and what should not (warning) in the topics of `settings`; empty when all is well.
 * @throws what kafkajs throws when the cluster cannot be asked
 */
export async function checkTopics(admin: Admin, settings: TopicSettings): Promise<Finding[]> {
  const findings = findingsOf(settings, await readTopics(admin, settings));
  return [...(await clusterFindings(admin)), ...findings];
}

/** The number of partitions that the inputs that exist agree on; null when none exists, NaN when they differ. */
export function inputPartitions(found: FoundTopics): number | null {
  const counts = new Set(INPUT_TOPICS.flatMap(topic => found.get(topic)?.partitions ?? []));
  if (counts.size > 1) return NaN;
  return [...counts][0] ?? null;
}
