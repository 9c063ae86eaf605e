/** When a group has read all that there is, and has nothing to do of its own accord. */
import type { Admin, Kafka } from 'kafkajs';
import { systemClock } from '../../cli/clock';
import { RedisStateStore } from '../../processors/state/redis';
import type { RedisConnection } from '../../processors/state/redis';
import { INPUT_TOPICS } from '../../schemas';

const LOOK_MS = 300;
/** Ticks and mail come behind what caused them: as often in a row nothing may be left. */
const CALM = 3;

export interface RestOptions {
  groupId: string;
  /** Of the topics. */
  prefix: string;
  ms: number;
  /** All of them when left out. */
  partitions?: readonly number[] | undefined;
  /** Given: nothing may be due in this state, either. */
  due?: { redis: RedisConnection; partitions: number };
}

/** @throws when it takes longer than `ms` */
export async function atRest(
  kafka: Kafka,
  { groupId, prefix, ms, partitions, due }: RestOptions,
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const until = systemClock.now() + ms;
  try {
    for (let calm = 0; calm < CALM;) {
      // A group that is new, or whose coordinator loads, has read nothing yet.
      const behind = await lagOf(admin, groupId, prefix, partitions).catch((error: Error) => error.message);
      const lag = behind !== '' || due === undefined ? behind : await dueOf(groupId, due, partitions);
      if (lag !== '' && systemClock.now() > until) throw new Error(`Not at rest after ${ms} ms: ${lag}`);
      calm = lag === '' ? calm + 1 : 0;
      await new Promise(resolve => setTimeout(resolve, LOOK_MS));
    }
  } finally {
    await admin.disconnect();
  }
}

/** Nothing is left to be read at this moment. */
export async function isRead(
  kafka: Kafka,
  { groupId, prefix }: Pick<RestOptions, 'groupId' | 'prefix'>,
): Promise<boolean> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return (await lagOf(admin, groupId, prefix)) === '';
  } finally {
    await admin.disconnect();
  }
}

/** What is due, in words; empty: nothing. */
async function dueOf(
  application: string,
  { redis, partitions }: NonNullable<RestOptions['due']>,
  only: readonly number[] = [...Array(partitions).keys()],
): Promise<string> {
  const store = new RedisStateStore(redis, application);
  for (const partition of only)
    if ((await store.nextDue(partition)) <= systemClock.now()) return `something is due in ${partition}`;
  return '';
}

/** What is not read yet, in words; empty: nothing. */
async function lagOf(
  admin: Admin,
  groupId: string,
  prefix: string,
  partitions?: readonly number[],
): Promise<string> {
  const behind: string[] = [];
  const topics = INPUT_TOPICS.map(topic => prefix + topic);
  const committed = await admin.fetchOffsets({ groupId, topics });
  for (const topic of topics)
    for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
      const at = Number(
        committed.find(one => one.topic === topic)?.partitions.find(one => one.partition === partition)
          ?.offset ?? -1,
      );
      const isAsked = partitions?.includes(partition) ?? true;
      if (isAsked && at < Number(high))
        behind.push(`${topic.slice(prefix.length)}/${partition} ${at} of ${high}`);
    }
  return behind.join(', ');
}
