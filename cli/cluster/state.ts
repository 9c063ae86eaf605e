/** The distributed state as commands read it: beside running processors, without taking a claim. */
import { CorruptStateError, decodeCustomer } from '../../processors/core';
import { RedisStateStore, heldPartitions } from '../../processors/state/redis';
import type { CustomerId } from '../../schemas';
import type { StateReport } from '../embedded';
import { CliError } from '../errors';
import type { Settings } from '../settings';
import { connectedRedis } from './connections';

const PAGE = 500;

export interface OpenClusterState {
  /** In order. */
  partitions: readonly number[];
  /** Lane by lane in byte order of the ids; markers of erasures too. */
  storedValues: () => AsyncGenerator<{ partition: number; customerId: CustomerId; value: Uint8Array }>;
  /** As it is stored; null: nothing is held. */
  storedValue: (partition: number, id: CustomerId) => Promise<Uint8Array | null>;
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
    storedValue: (partition, id) => store.peek(partition, id),
    close: () => redis.disconnect(),
  };
}

async function* allValues(
  store: RedisStateStore,
  partitions: readonly number[],
): AsyncGenerator<{ partition: number; customerId: CustomerId; value: Uint8Array }> {
  for (const partition of partitions) {
    let cursor: CustomerId | undefined;
    for (;;) {
      const page = await store.scan(partition, PAGE, cursor);
      for (const { customerId, value } of page) yield { partition, customerId, value };
      if (page.length < PAGE) break;
      cursor = page[page.length - 1]!.customerId;
    }
  }
}

/** Decodes every stored value. */
export async function checkClusterState(settings: Settings): Promise<StateReport> {
  const state = await openClusterState(settings);
  const report: StateReport = {
    customers: 0,
    partitions: state.partitions.length,
    stateBytes: 0,
    problems: [],
  };
  try {
    for await (const { partition, customerId, value } of state.storedValues()) {
      report.customers++;
      report.stateBytes += value.length;
      try {
        decodeCustomer(customerId, value);
      } catch (error) {
        if (!(error instanceof CorruptStateError || error instanceof RangeError)) throw error;
        report.problems.push({ customerId, what: `${error.message} (partition ${partition})` });
      }
    }
  } finally {
    state.close();
  }
  return report;
}
