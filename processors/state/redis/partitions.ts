/** Which partitions a Redis holds: a state can be read where no Kafka is at hand. */
import { Cluster } from 'ioredis';
import type { Redis } from 'ioredis';
import { keysOf } from './keys';
import type { PartitionKeys } from './keys';
import type { RedisConnection } from './scripts';

const PAGE = 1_000;

/** In order; empty when nothing is held. */
export const heldPartitions = (connection: RedisConnection, prefix: string): Promise<number[]> =>
  partitionsOf(connection, prefix, 'meta');

/** `kind` of key, or * for any. */
async function partitionsOf(
  connection: RedisConnection,
  prefix: string,
  kind: keyof PartitionKeys | '*',
): Promise<number[]> {
  const nodes = connection instanceof Cluster ? connection.nodes('master') : [connection];
  const found = new Set<number>();
  for (const node of nodes)
    for (const key of await keysLike(node, `{${prefix}:*}:${kind}`)) {
      const partition = Number(/:(\d+)\}:[a-z]+$/.exec(key)?.[1]);
      if ((Object.values(keysOf(prefix, partition)) as string[]).includes(key)) found.add(partition);
    }
  return [...found].sort((a, b) => a - b);
}

async function keysLike(node: Redis, pattern: string): Promise<string[]> {
  const keys: string[] = [];
  let cursor = '0';
  do {
    const [next, page] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', PAGE);
    keys.push(...page);
    cursor = next;
  } while (cursor !== '0');
  return keys;
}

export interface OccupiedPartition {
  partition: number;
  customers: number;
  hasPositions: boolean;
}

/** Partitions with positions or customers, in order. A claim alone, as a refused processor leaves it, is nothing. */
export async function occupiedPartitions(
  connection: RedisConnection,
  prefix: string,
): Promise<OccupiedPartition[]> {
  const occupied: OccupiedPartition[] = [];
  for (const partition of await partitionsOf(connection, prefix, '*')) {
    const { meta, facts } = keysOf(prefix, partition);
    const hasPositions = (await connection.hexists(meta, 'positions')) === 1;
    const customers = await connection.hlen(facts);
    if (hasPositions || customers > 0) occupied.push({ partition, customers, hasPositions });
  }
  return occupied;
}
