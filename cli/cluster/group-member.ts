/** A member of the group before it joins: Redis and Kafka are reached, and the predecessor is signed off. */
import type { Kafka } from 'kafkajs';
import type { RedisConnection } from '../../processors/state/redis';
import { RedisMemberMemory } from '../../processors/state/redis';
import { Membership, checkTopics } from '../../streams/kafka';
import type { Ownership } from '../../streams/kafka';
import { CliError } from '../errors';
import type { Settings } from '../settings';
import { inKafkaWords, topicSettings } from './admin';
import { connectedRedis, instanceName, openKafka } from './connections';

/** What the membership asks of, and tells, the lanes, which are made after it. */
export interface AssignmentListener {
  held: () => readonly Ownership[];
  onAssigned: (partitions: readonly number[]) => void;
  onFatal: (error: Error) => void;
}

export interface GroupMember {
  redis: RedisConnection;
  kafka: Kafka;
  membership: Membership;
  listener: AssignmentListener;
  /** What was opened since is closed before the group is left, the last first. */
  closers: (() => Promise<void>)[];
  close: () => Promise<void>;
}

interface MemberOptions {
  settings: Settings;
  onNote: (line: string) => void;
}

/** @throws CliError redis-unreachable, redis-unfit, kafka-unreachable, kafka-refused, topics-unfit */
export async function connectMember({ settings, onNote }: MemberOptions): Promise<GroupMember> {
  const closers: GroupMember['closers'] = [];
  const close = async (): Promise<void> => {
    while (closers.length > 0) await closers.pop()!();
  };
  try {
    const redis = await connectedRedis(settings, onNote);
    closers.push(() => Promise.resolve(redis.disconnect()));
    const kafka = openKafka(settings, (level, message) => onNote(`kafka ${level}: ${message}`));
    const listener: AssignmentListener = {
      held: () => [],
      onAssigned: () => undefined,
      onFatal: () => undefined,
    };
    const membership = membershipOf({ redis, kafka, listener }, settings);
    closers.push(() => membership.leave());
    await withCheckedTopics(kafka, settings, onNote, () => membership.connect());
    await membership.subscribe();
    return { redis, kafka, membership, listener, closers, close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

function membershipOf(
  { redis, kafka, listener }: Pick<GroupMember, 'redis' | 'kafka' | 'listener'>,
  settings: Settings,
): Membership {
  const application = settings['kafka.application'];
  return new Membership({
    kafka,
    groupId: application,
    topicPrefix: settings['kafka.topicPrefix'],
    unitSize: settings['kafka.groupPartitions'],
    sessionTimeoutMs: settings['kafka.sessionTimeoutMs'],
    instance: instanceName(settings),
    memory: new RedisMemberMemory(redis, application),
    held: () => listener.held(),
    onAssigned: partitions => listener.onAssigned(partitions),
    onFatal: error => listener.onFatal(error),
  });
}

/** The inputs fit together, or nothing starts. What comes `first` needs a broker, but no topics. */
async function withCheckedTopics(
  kafka: Kafka,
  settings: Settings,
  onNote: (line: string) => void,
  first: () => Promise<void>,
): Promise<void> {
  const admin = kafka.admin();
  try {
    // It gives up sooner than a member of a group, which lives through restarts of brokers.
    await admin.connect();
    await first();
    const findings = await checkTopics(admin, topicSettings(settings));
    const errors = findings.filter(({ level }) => level === 'error');
    if (errors.length > 0)
      throw new CliError(
        'topics-unfit',
        errors.map(({ topic, message }) => `${topic}: ${message}`).join(' '),
      );
    for (const { topic, message } of findings) onNote(`${topic}: ${message}`);
  } catch (error) {
    throw inKafkaWords(error, settings);
  } finally {
    await admin.disconnect();
  }
}
