/** What publishers of a test send, and what its broker shows of it. */
import { isDeepStrictEqual } from 'node:util';
import { systemClock } from '../../../cli/clock';
import type { Outbox, OutgoingMessage, Publisher } from '../../../processors/ports';
import { RedisStateStore, connectRedis } from '../../../processors/state/redis';
import { positionsAt } from '../../../processors/state/state-store.contract';
import type { OutputTopic } from '../../../schemas';
import { OUTPUT_TOPICS } from '../../../schemas';
import { readAll } from '../../integrity/read-all';
import type { Published, PublisherWorld } from '../../publisher.contract';
import { TopicReader } from '../topic-reader';
import type { KafkaWorld } from './world';

const outputsOf = ({ topicPrefix }: KafkaWorld): string[] =>
  OUTPUT_TOPICS.map(topic => `${topicPrefix}${topic}`);

/** What a read_committed reader sees at this moment. */
export async function visibleIn(world: KafkaWorld): Promise<Published[]> {
  return (await readAll(world.kafka, outputsOf(world))).map(({ topic, key, value, headers }) => ({
    topic: topic.slice(world.topicPrefix.length) as OutputTopic,
    key,
    id: headers!.find(([name]) => name === 'ce_id')![1]!.toString(),
    value,
  }));
}

/** The end of a transaction is answered before its markers are written: until no transaction is open. */
export async function publishedIn(world: KafkaWorld): Promise<Published[]> {
  const reader = await TopicReader.open(world.kafka, outputsOf(world));
  try {
    for (const name of outputsOf(world))
      while (!(await isDecided(world, reader, name))) await systemClock.sleep(10);
  } finally {
    await reader.close();
  }
  return visibleIn(world);
}

async function isDecided({ admin }: KafkaWorld, reader: TopicReader, name: string): Promise<boolean> {
  const written = await admin.fetchTopicOffsets(name);
  const decided = await reader.held(name);
  return written.every(({ partition, high }) => decided[partition]!.to === Number(high));
}

/** Positions become visible with their marker, too. */
export async function committedAs(
  { log }: KafkaWorld,
  partition: number,
  { to, epoch }: Outbox,
): Promise<void> {
  while (!isDeepStrictEqual(await log.committed(partition), { ...to, epoch })) await systemClock.sleep(10);
}

export const message = (name: string, topic: OutputTopic = 'sessions'): OutgoingMessage => ({
  topic,
  key: `key-${name}`,
  id: name,
  value: Buffer.from(name),
  headers: { ce_id: name },
});

export const outbox = (messages: OutgoingMessage[], at: number, epoch = 1): Outbox => ({
  batchNumber: at,
  epoch,
  from: positionsAt(at - 1),
  to: positionsAt(at),
  mail: [],
  messages,
});

/** What the contract asks of a publisher, with the store of a processor; closed together with its world. */
export async function publisherOf(
  world: KafkaWorld,
  redisAddress: string,
  publisher: Publisher = world.publisher(),
): Promise<PublisherWorld> {
  const { application, log, close } = world;
  const redis = connectRedis({ addresses: [redisAddress], kind: 'single' });
  await redis.connect();
  return {
    log,
    store: new RedisStateStore(redis, application),
    publisher: {
      fence: partition => publisher.fence(partition),
      publish: async (partition, sent) => {
        await publisher.publish(partition, sent);
        await committedAs(world, partition, sent);
      },
    },
    published: () => publishedIn(world),
    close: async () => {
      redis.disconnect();
      await close();
    },
  };
}
