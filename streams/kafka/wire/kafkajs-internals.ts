/**
 * The two places where we reach behind the public face of kafkajs 2.2.4 (pinned, docs/adr/0007): a fetch request that
 * we decode ourselves, and LeaveGroup for a predecessor that died.
 */
import type { Broker, Cluster } from 'kafkajs';

interface ProtocolRequest {
  request: unknown;
  response: { decode: (raw: Buffer) => unknown; parse: (decoded: unknown) => unknown };
  requestTimeout?: number;
  logResponseError?: boolean;
}

interface BrokerInternals extends Broker {
  connectionPool: { send: (request: ProtocolRequest) => Promise<unknown> };
  leaveGroup: (options: { groupId: string; memberId: string }) => Promise<unknown>;
}

export interface FetchPartition {
  partition: number;
  fetchOffset: string;
  maxBytes: number;
}

export interface FetchRequest {
  maxWaitMs: number;
  minBytes: number;
  maxBytes: number;
  topics: readonly { topic: string; partitions: readonly FetchPartition[] }[];
}

type EncodeFetch = (request: Record<string, unknown>) => unknown;

// eslint-disable-next-line @typescript-eslint/no-require-imports -- no types, and no other way in
const encodeFetch = require('kafkajs/src/protocol/requests/fetch/v11/request') as EncodeFetch;

const READ_COMMITTED = 1;
const ORDINARY_CONSUMER = -1;
/** A broker that is stopped for some seconds has lost nothing: its answer is waited for. */
const ANSWER_MS = 20_000;

/** The bytes of a fetch response, version 11, as `parseFetchResponse` reads them. @throws errors of the connection */
export async function fetchRaw(broker: Broker, fetch: FetchRequest): Promise<Buffer> {
  const { maxWaitMs, minBytes, maxBytes, topics } = fetch;
  const request = encodeFetch({
    replicaId: ORDINARY_CONSUMER,
    maxWaitTime: maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel: READ_COMMITTED,
    topics,
  });
  const whole = { decode: (raw: Buffer) => ({ raw }), parse: (decoded: unknown) => decoded };
  const answer = (await (broker as BrokerInternals).connectionPool.send({
    request,
    response: whole,
    requestTimeout: maxWaitMs + ANSWER_MS,
    logResponseError: false,
  })) as { raw: Buffer };
  return answer.raw;
}

/** Takes a member out of its group at once, instead of after its session. Does nothing when it is gone already. */
export async function leaveGroupOf(cluster: Cluster, groupId: string, memberId: string): Promise<void> {
  const coordinator = (await cluster.findGroupCoordinator({ groupId })) as BrokerInternals;
  try {
    await coordinator.leaveGroup({ groupId, memberId });
  } catch (error) {
    if ((error as { type?: string }).type !== 'UNKNOWN_MEMBER_ID') throw error;
  }
}
