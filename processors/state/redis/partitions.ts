/** Which partitions a Redis holds: a state can be read where no Kafka is at hand. */
import { Cluster } from 'ioredis';
import type { Redis } from 'ioredis';
import { keysOf } from './keys';
import type { RedisConnection } from './scripts';

const PAGE = 1_000;

/** In order; empty when nothing is held. */
export async function heldPartitions(connection: RedisConnection, prefix: string): Promise<number[]> {
  const nodes = connection instanceof Cluster ? connection.nodes('master') : [connection];
  const found = new Set<number>();
  for (const node of nodes)
    for (const key of await metaKeysOf(node, prefix)) {
      const partition = Number(/:(\d+)\}:meta$/.exec(key)?.[1]);
      if (key === keysOf(prefix, partition).meta) found.add(partition);
    }
  return [...found].sort((a, b) => a - b);
}

async function metaKeysOf(node: Redis, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  let cursor = '0';
  do {
    const [next, page] = await node.scan(cursor, 'MATCH', `{${prefix}:*}:meta`, 'COUNT', PAGE);
    keys.push(...page);
    cursor = next;
  } while (cursor !== '0');
  return keys;
}
