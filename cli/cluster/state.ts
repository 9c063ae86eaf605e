/** The distributed state as commands read it: beside running processors, without taking a claim. */
import { RedisStateStore, heldPartitions } from '../../processors/state/redis';
import type { StoredCustomer } from '../../processors/ports';
import type { CustomerId } from '../../schemas';
import { CliError } from '../errors';
import type { Settings } from '../settings';
import { connectedRedis } from './connections';

const PAGE = 500;

export interface OpenClusterState {
  /** In order. */
  partitions: readonly number[];
  /** Lane by lane in byte order of the ids; markers of erasures too. */
  storedValues: () => AsyncGenerator<{ partition: number; customerId: CustomerId; value: Uint8Array }>;
  /** As it is, without a claim on it. */
  store: RedisStateStore;
  close: () => void;
}

/** @throws CliError redis-unreachable, redis-unfit, state-missing */
export async function openClusterState(settings: Settings): Promise<OpenClusterState> {
  const redis = await connectedRedis(settings, () => undefined);
  const application = settings['kafka.application'];
  const partitions = await heldPartitions(redis, application);
  if (partitions.length === 0) {
    redis.disconnect();
    const where = settings['redis.addresses'].join(', ');
    throw new CliError('state-missing', `Redis at ${where} holds no state of ${application}.`);
  }
  const store = new RedisStateStore(redis, application);
  return {
    partitions,
    storedValues: () => allValues(store, partitions),
    store,
    close: () => redis.disconnect(),
  };
}

async function* allValues(
  store: RedisStateStore,
  partitions: readonly number[],
): AsyncGenerator<{ partition: number; customerId: CustomerId; value: Uint8Array }> {
  for (const partition of partitions)
    for await (const one of valuesOf(store, partition)) yield { partition, ...one };
}

/** Of one lane, in byte order of the ids. */
export async function* valuesOf(store: RedisStateStore, partition: number): AsyncGenerator<StoredCustomer> {
  let cursor: CustomerId | undefined;
  for (;;) {
    const page = await store.scan(partition, PAGE, cursor);
    yield* page;
    if (page.length < PAGE) break;
    cursor = page[page.length - 1]!.customerId;
  }
}
