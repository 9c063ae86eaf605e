/**
 * The wanted configuration of all ten topics, as data. `topics create` makes it, the check at the start of a process
 * compares it with what the cluster holds.
 */
import { DAY_MS, INPUT_TOPICS, OUTPUT_TOPICS } from '../../schemas';
import type { InputTopic, OutputTopic } from '../../schemas';
import { MAX_RECORD_BYTES } from '../avro/frame';
import { topicName } from './topic-names';

export type AnyTopic = InputTopic | OutputTopic;

export interface TopicSettings {
  /** Before every name. */
  prefix: string;
  /** Of topics that are made; those that exist keep theirs. */
  partitions: number;
  /** Copies of every partition. */
  replication: number;
  rawRetentionMs: number;
  /** `any`: history is replayed, records keep the instants that their producers give them. */
  timestamps: 'log-append' | 'any';
  /** Largest value that a lane sends, bytes. */
  maxMessageBytes: number;
}

export type Level = 'error' | 'warning';

/** What a configuration entry must be: the value itself, or a number with -1 for "without limit". */
type Rule = 'same' | 'atLeast' | 'atMost';

export interface WantedConfig {
  name: string;
  value: string;
  rule: Rule;
  /** How bad it is when the cluster says otherwise. */
  level: Level;
  /** An error below this number, whatever the level. */
  fatalBelow?: number;
  /** Completes "… is X, not Y: ". */
  why: string;
}

export interface WantedTopic {
  topic: AnyTopic;
  /** With the prefix. */
  name: string;
  partitions: number;
  replication: number;
  configs: readonly WantedConfig[];
}

/** A record's key and headers, and the frame of its batch. */
const OVERHEAD_BYTES = 16_384;

/** A record of the largest size that is read. */
export const MAX_TOPIC_MESSAGE_BYTES = MAX_RECORD_BYTES + 4 * OVERHEAD_BYTES;

/** Until then the archive has read a score that was replaced: longer than a night that did not run. */
const UNCOMPACTED_MS = 2 * DAY_MS;

/** How long a consumer may be away and still see that a customer was erased; old values are gone by then, too. */
const TOMBSTONE_MS = 7 * DAY_MS;

const FOR_EVER = '-1';

const COMPACTED: readonly AnyTopic[] = ['engagement-scores', 'engagement-alerts'];

export const isInput = (topic: AnyTopic): topic is InputTopic =>
  (INPUT_TOPICS as readonly string[]).includes(topic);

/** One copy may be missing of two or three, two of four or five: a send is then still safe on the majority. */
const minInSync = (replication: number): number => Math.ceil(replication / 2);

/** History is older than any retention, so the log would drop it as soon as it is written. */
const isHistory = ({ timestamps }: TopicSettings, topic: AnyTopic): boolean =>
  timestamps === 'any' && isInput(topic);

function limits(topic: AnyTopic, { replication, maxMessageBytes }: TopicSettings): WantedConfig[] {
  // What a lane sends was committed before it is sent: a refusal would stop the lane for good.
  const sentByLanes = !isInput(topic) || topic === 'customer-mail';
  const largestSent = maxMessageBytes + OVERHEAD_BYTES;
  return [
    {
      name: 'max.message.bytes',
      value: String(sentByLanes ? Math.max(MAX_TOPIC_MESSAGE_BYTES, largestSent) : MAX_TOPIC_MESSAGE_BYTES),
      rule: 'atLeast',
      level: 'warning',
      ...(sentByLanes ? { fatalBelow: largestSent } : {}),
      why: 'a message of the largest size that rescore allows would be refused',
    },
    {
      name: 'min.insync.replicas',
      value: String(minInSync(replication)),
      rule: 'atLeast',
      level: 'warning',
      why: 'an acknowledged message could be on too few brokers',
    },
    {
      name: 'unclean.leader.election.enable',
      value: 'false',
      rule: 'same',
      level: 'warning',
      why: 'a broker that lags behind could become the leader and acknowledged messages would be lost',
    },
  ];
}

function compacted(topic: AnyTopic): WantedConfig[] {
  return [
    ...(topic === 'engagement-scores' ? [kept()] : []),
    {
      name: 'cleanup.policy',
      value: 'compact',
      rule: 'same',
      level: 'error',
      why: 'the newest value of customers who are silent would be removed with time',
    },
    {
      name: 'delete.retention.ms',
      value: String(TOMBSTONE_MS),
      rule: 'atLeast',
      level: 'warning',
      why: 'a consumer that is away for longer would never hear that a customer was erased',
    },
    {
      name: 'max.compaction.lag.ms',
      value: String(TOMBSTONE_MS),
      rule: 'atMost',
      level: 'warning',
      why: 'values of erased customers could stay for longer',
    },
  ];
}

const kept = (): WantedConfig => ({
  name: 'min.compaction.lag.ms',
  value: String(UNCOMPACTED_MS),
  rule: 'atLeast',
  level: 'warning',
  why: 'scores that are soon replaced could be removed before the archive has read them',
});

function retained(topic: AnyTopic, settings: TopicSettings): WantedConfig[] {
  const history = isHistory(settings, topic);
  const what = isInput(topic) ? 'inputs that nobody has read yet' : 'messages that nobody has read yet';
  return [
    {
      name: 'cleanup.policy',
      value: 'delete',
      rule: 'same',
      level: 'error',
      why: `compaction keeps one message of each key, and would remove ${what}`,
    },
    {
      name: 'retention.ms',
      value: history ? FOR_EVER : String(Math.round(settings.rawRetentionMs)),
      rule: 'atLeast',
      level: 'warning',
      why: history
        ? 'records with the instants of long ago would be removed as soon as they are written'
        : `${what} could be removed earlier than the setting kafka.rawRetentionDays says`,
    },
    {
      name: 'retention.bytes',
      value: FOR_EVER,
      rule: 'atLeast',
      level: 'warning',
      why: `${what} could be removed by their size, before their time`,
    },
  ];
}

const timestamps = (settings: TopicSettings): WantedConfig => ({
  name: 'message.timestamp.type',
  value: settings.timestamps === 'any' ? 'CreateTime' : 'LogAppendTime',
  rule: 'same',
  level: settings.timestamps === 'any' ? 'warning' : 'error',
  why:
    settings.timestamps === 'any'
      ? 'the broker replaces the instants of history by its own clock'
      : "a producer's clock would move our windows",
});

/** `replication` of the settings is what the topic has, or will have, copies of. */
export function configsOf(topic: AnyTopic, settings: TopicSettings): WantedConfig[] {
  return [
    ...(COMPACTED.includes(topic) ? compacted(topic) : retained(topic, settings)),
    ...(isInput(topic) ? [timestamps(settings)] : []),
    ...limits(topic, settings),
  ];
}

export const wantedTopics = (settings: TopicSettings): WantedTopic[] =>
  [...INPUT_TOPICS, ...OUTPUT_TOPICS].map(topic => ({
    topic,
    name: topicName(settings.prefix, topic),
    partitions: settings.partitions,
    replication: settings.replication,
    configs: configsOf(topic, settings),
  }));

const asNumber = (value: string): number => (value === FOR_EVER ? Infinity : Number(value));

/** True when the cluster's value does what is wanted. */
export function satisfies({ rule, value }: WantedConfig, actual: string): boolean {
  if (rule === 'same') return actual === value;
  return rule === 'atLeast' ? asNumber(actual) >= asNumber(value) : asNumber(actual) <= asNumber(value);
}
