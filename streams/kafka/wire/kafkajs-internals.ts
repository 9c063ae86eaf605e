/**
 * The one file that reaches behind the public face of kafkajs 2.2.4 (pinned, docs/adr/0007): fetch responses that we
 * decode and record batches that we encode ourselves, the requests of a transaction, FindCoordinator with its error,
 * LeaveGroup for a predecessor.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Broker, Cluster } from 'kafkajs';

interface ProtocolRequest {
  request: unknown;
  response: { decode: (raw: Buffer) => unknown; parse: (decoded: unknown) => unknown };
  requestTimeout?: number;
  logResponseError?: boolean;
}

/** Of a transactional producer, as the broker gave it. */
export interface ProducerIdentity {
  transactionalId: string;
  /** A number as text: it does not fit in 53 bits for ever. */
  producerId: string;
  producerEpoch: number;
}

/** A broker in its part as coordinator of transactions or of groups. Each rejects with the broker's error. */
export interface Coordinator extends Broker {
  initProducerId(request: {
    transactionalId: string;
    transactionTimeout: number;
  }): Promise<Omit<ProducerIdentity, 'transactionalId'>>;
  addPartitionsToTxn(
    request: ProducerIdentity & { topics: { topic: string; partitions: number[] }[] },
  ): Promise<unknown>;
  addOffsetsToTxn(request: ProducerIdentity & { groupId: string }): Promise<unknown>;
  txnOffsetCommit(
    request: ProducerIdentity & {
      groupId: string;
      topics: { topic: string; partitions: { partition: number; offset: string; metadata: string }[] }[];
    },
  ): Promise<unknown>;
  endTxn(request: ProducerIdentity & { transactionResult: boolean }): Promise<unknown>;
}

const GROUP = 0;
const TRANSACTION = 1;

/** The client takes a missing right for an outage, and keeps the broker's error to itself: so it is asked once more. */
async function coordinatorOf(cluster: Cluster, id: string, coordinatorType: number): Promise<Coordinator> {
  try {
    const asked = { groupId: id, coordinatorType } as { groupId: string };
    return (await cluster.findGroupCoordinator(asked)) as Coordinator;
  } catch (error) {
    await askForCoordinator(cluster, id, coordinatorType);
    throw error;
  }
}

export const transactionCoordinator = (cluster: Cluster, transactionalId: string): Promise<Coordinator> =>
  coordinatorOf(cluster, transactionalId, TRANSACTION);

export const groupCoordinator = (cluster: Cluster, groupId: string): Promise<Coordinator> =>
  coordinatorOf(cluster, groupId, GROUP);

interface BrokerInternals extends Broker {
  connectionPool: { send: (request: ProtocolRequest) => Promise<unknown> };
  leaveGroup: (options: { groupId: string; memberId: string }) => Promise<unknown>;
  findGroupCoordinator: (options: { groupId: string; coordinatorType: number }) => Promise<unknown>;
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

/** A module of kafkajs that it does not export. */
function internal<T>(path: string): T {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- no types, and no other way in
  return require(`kafkajs/src/${path}`) as T;
}

const encodeFetch = internal<EncodeFetch>('protocol/requests/fetch/v11/request');
const produceResponse = internal<ProtocolRequest['response']>('protocol/requests/produce/v7/response');

const createErrorFromCode = internal<{ createErrorFromCode: (code: number) => Error & { type: string } }>(
  'protocol/error',
).createErrorFromCode;

/** What a broker's error code is called, with its number: `TOPIC_AUTHORIZATION_FAILED (29)`. */
export const nameOfError = (code: number): string => `${createErrorFromCode(code).type} (${code})`;

const PRODUCE = 0;
const PRODUCE_VERSION = 7;
const ALL_IN_SYNC = -1;

/** One batch for each partition. @throws the first error that a partition answers */
export async function produceRaw(
  broker: Broker,
  transactionalId: string,
  timeoutMs: number,
  topics: ReadonlyMap<string, readonly { partition: number; batch: Buffer }[]>,
): Promise<void> {
  const bytes = encodeProduce(transactionalId, timeoutMs, topics);
  await (broker as BrokerInternals).connectionPool.send({
    request: {
      apiKey: PRODUCE,
      apiVersion: PRODUCE_VERSION,
      apiName: 'Produce',
      expectResponse: () => true,
      // What kafkajs asks of its own encoder.
      encode: () => Promise.resolve({ buf: bytes, buffer: bytes }),
    },
    response: produceResponse,
    requestTimeout: timeoutMs,
    logResponseError: false,
  });
}

function encodeProduce(
  transactionalId: string,
  timeoutMs: number,
  topics: ReadonlyMap<string, readonly { partition: number; batch: Buffer }[]>,
): Buffer {
  const parts: Buffer[] = [text(transactionalId), int16(ALL_IN_SYNC), int32(timeoutMs), int32(topics.size)];
  for (const [topic, partitions] of topics) {
    parts.push(text(topic), int32(partitions.length));
    for (const { partition, batch } of partitions) parts.push(int32(partition), int32(batch.length), batch);
  }
  return Buffer.concat(parts);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([int16(bytes.length), bytes]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

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

/** Asks who coordinates a group. Rejects with the broker's error. */
export const askForGroup = (cluster: Cluster, groupId: string): Promise<void> =>
  askForCoordinator(cluster, groupId, GROUP);

async function askForCoordinator(cluster: Cluster, id: string, coordinatorType: number): Promise<void> {
  // A client that has just been connected knows no brokers yet.
  await cluster.refreshMetadata();
  const broker = (await cluster.findControllerBroker()) as BrokerInternals;
  await broker.findGroupCoordinator({ groupId: id, coordinatorType });
}

/** A coordinator that moves, or loads what it has taken over, is there again within a second or two. */
const LEAVE_TRIES = 10;
const LEAVE_AGAIN_MS = 300;

/**
 * Takes a member out of its group at once, instead of after its session. Does nothing when it is gone already, or when no
 * broker coordinates the group for seconds: then the member goes with its session. Rejects with any other error of a broker.
 */
export async function leaveGroupOf(
  cluster: Cluster,
  groupId: string,
  memberId: string,
  pauseMs = LEAVE_AGAIN_MS,
): Promise<void> {
  for (let tries = 0; tries < LEAVE_TRIES; tries++)
    try {
      const coordinator = (await cluster.findGroupCoordinator({ groupId })) as BrokerInternals;
      await coordinator.leaveGroup({ groupId, memberId });
      return;
    } catch (error) {
      const { type, retriable } = error as { type?: string; retriable?: boolean };
      if (type === 'UNKNOWN_MEMBER_ID') return;
      if (type === undefined || retriable !== true) throw error;
      await delay(pauseMs);
    }
}
