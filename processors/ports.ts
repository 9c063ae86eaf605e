/**
 * What the runner needs of the world, as types. Each port has one contract suite (`*.contract.ts`) that every
 * adapter passes: memory, LMDB (streams/embedded), later Redis and Kafka.
 */
import type {
  CustomerId,
  EpochMs,
  InputTopic,
  OutputTopic,
  Positions,
  Reason,
  WireInputs,
  WireOutputs,
} from '../schemas';
import type { RawScores, ScoringConstants } from './core/types';

export interface LogRecord {
  topic: InputTopic;
  partition: number;
  offset: number;
  /** Given by the log when it appended the record (LogAppendTime), or by the driver of a replay. */
  recordAt: EpochMs;
  key: string;
  value: Uint8Array;
  /** The log holds something here that it can't give: the record is a dead letter with this reason. */
  fault?: { code: string; reason: string };
}

/** Records of one topic in offset order. */
export interface TopicBatch {
  topic: InputTopic;
  records: LogRecord[];
  /** Position after this batch; may be past the last record where offsets have gaps. */
  nextOffset: number;
  /** No more records of this topic exist beyond `nextOffset` at the time of the read. */
  atEnd: boolean;
  /** When `atEnd` was seen, by the clock of the reader; the time of the call when left out. */
  seenAt?: EpochMs;
}

export interface AppendRecord {
  key: string;
  value: Uint8Array;
  /** Only drivers of history set this; a live log stamps its own clock. */
  recordAt: EpochMs;
}

/** Thrown by `read` from a position that the log does not hold: retention overtook it, or the log lost its end. */
export class OffsetOutOfRangeError extends Error {
  override readonly name = 'OffsetOutOfRangeError';
  constructor(
    readonly topic: InputTopic,
    readonly partition: number,
    readonly offset: number,
    start: number,
    end: number,
  ) {
    super(
      `Partition ${partition} of ${topic} holds offsets ${start} to ${end}, the lane asked for ${offset}.`,
    );
  }
}

export interface EventLog {
  readonly partitions: number;
  /** Partition of a key: murmur2 as Java clients, the same for every topic. */
  partitionOf(key: string): number;
  /** First offsets that can still be read. */
  starts(partition: number): Promise<Positions>;
  /** Positions after the newest records. */
  ends(partition: number): Promise<Positions>;
  /**
   * One entry per topic; an empty entry says whether the topic is at its end. At most `maxRecords` a topic.
   * @throws OffsetOutOfRangeError
   */
  read(
    partition: number,
    from: Positions,
    maxRecords: number,
    /** Only these topics are wanted; an adapter may answer for more. All when left out. */
    topics?: readonly InputTopic[],
  ): Promise<TopicBatch[]>;
  /** Resolves when there may be something new to read, at the latest after `ms`. Without it a lane sleeps. */
  arrival?(partition: number, ms: number, signal: AbortSignal): Promise<void>;
  /** Resolves when the records survive a crash of the process. Returns the offset of the first. */
  append(topic: InputTopic, partition: number, records: readonly AppendRecord[]): Promise<number>;
  /** What consumers' group has committed; null at the first start. */
  committed(partition: number): Promise<CommittedPositions | null>;
}

/**
 * Positions as they were published, with the epoch of the owner that did (an outbox carries it; Kafka keeps it as
 * the commit's metadata). A store that lost its newest claim must not give that epoch to anybody again.
 */
export type CommittedPositions = Positions & { readonly epoch?: number };

/** A message for an output topic. The value null is a tombstone. */
export interface OutgoingMessage {
  topic: OutputTopic;
  key: string;
  /** `ce_id`: hash of the body. */
  id: string;
  value: Uint8Array | null;
  headers: Readonly<Record<string, string>>;
}

export interface OutgoingMail {
  to: CustomerId;
  /** Partition of the target. */
  partition: number;
  recordAt: EpochMs;
  value: Uint8Array;
}

/** What a batch sends: mail first, then everything else together with the positions. */
export interface Outbox {
  batchNumber: number;
  /** Of the claim that made it: published with the positions. */
  epoch: number;
  from: Positions;
  to: Positions;
  mail: readonly OutgoingMail[];
  messages: readonly OutgoingMessage[];
}

/** Highest (offset, index) applied per source, `topic/partition` as the key. */
export type MailPositions = Readonly<Record<string, { offset: number; index: number }>>;

export interface Claim {
  partition: number;
  token: string;
  epoch: number;
  /** null at the very first claim of a partition. */
  positions: Positions | null;
  batchNumber: number;
  mailPositions: MailPositions;
  /** Newest record timestamp applied per topic: what the duplicate window is trimmed by. */
  clocks: Readonly<Record<InputTopic, EpochMs>>;
  /** The last committed batch's messages: published again after a crash between commit and publish. */
  outbox: Outbox | null;
}

export interface StateBatch {
  /** The claim's batch number plus one, counting up by one. */
  batchNumber: number;
  from: Positions;
  to: Positions;
  mailPositions: MailPositions;
  clocks: Readonly<Record<InputTopic, EpochMs>>;
  /** null removes the customer. */
  states: ReadonlyMap<CustomerId, Uint8Array | null>;
  /** Next wake per customer; `NEVER` removes the entry. */
  wakes: ReadonlyMap<CustomerId, EpochMs>;
  outbox: Outbox;
}

/** Another owner has claimed; my own retry; positions that do not follow the stored ones. */
export type CommitResult = 'applied' | 'alreadyApplied' | 'fenced' | 'gap';

export interface DueEntry {
  customerId: CustomerId;
  dueAt: EpochMs;
}

/** Thrown by `load` when the claim's token is no longer the partition's. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
}

export interface StoredCustomer {
  customerId: CustomerId;
  value: Uint8Array;
}

export interface StateStore {
  /** Takes the partition from whoever had it: fresh token, higher epoch. */
  claim(partition: number): Promise<Claim>;
  /** Writes the positions of a first start; later commits follow from them. */
  initialise(claim: Claim, positions: Positions): Promise<void>;
  /** Stored values in the order of `ids`, null where unknown. Checks the token: `FencedError`. */
  load(claim: Claim, ids: readonly CustomerId[]): Promise<(Uint8Array | null)[]>;
  /** What the store holds now: an idle owner sees lost writes by it. Checks the token: `FencedError`. */
  positionsOf(claim: Claim): Promise<Positions | null>;
  /** All or nothing. */
  commit(claim: Claim, batch: StateBatch): Promise<CommitResult>;
  /** Entries with `dueAt` at or before `until`, by (dueAt, customerId), after `cursor`. */
  due(partition: number, until: EpochMs, limit: number, cursor?: DueEntry): Promise<DueEntry[]>;
  /** Earliest due instant of the partition; `NEVER` when there is none. */
  nextDue(partition: number): Promise<EpochMs>;
  /**
   * All customers of a partition in byte order of their ids, after `cursor`: for recoveries, checks and exports. A store
   * without an order reads and sorts every id for it: nothing for a lane at work, which has `walk`.
   */
  scan(partition: number, limit: number, cursor?: CustomerId): Promise<StoredCustomer[]>;
  /**
   * All customers of a partition in the order that costs the store least, in pages of about `limit`. `mark` begins with
   * null and is then the page before's `next`, null at the end. Who is there throughout comes at least once.
   */
  walk(
    partition: number,
    limit: number,
    mark: string | null,
  ): Promise<{ customers: StoredCustomer[]; next: string | null }>;
}

/** The outcome is unknown when it throws: the lane asks `EventLog.committed` before it does anything else. */
export interface Publisher {
  /**
   * Opens (or opens again) the channel of a partition, fences whoever had it, and waits until all that went through it
   * before is decided: only then do `EventLog.committed` and the token say what they mean.
   */
  fence(partition: number): Promise<void>;
  /**
   * A batch was begun that will be published within moments, if all goes well. What can be done ahead is done then,
   * where lanes share a channel they wait for each other. Means nothing for what is said or in what order.
   */
  announce?(partition: number): void;
  /** Mail, then messages and positions atomically where the log can. Throws when the channel was opened again since. */
  publish(partition: number, outbox: Outbox): Promise<void>;
}

/** Bytes and decoded values. Decoding throws `DecodeError`. */
export interface WireCodec {
  decode<T extends InputTopic>(topic: T, value: Uint8Array): WireInputs[T];
  encodeInput<T extends InputTopic>(topic: T, value: WireInputs[T]): Uint8Array;
  encode<T extends OutputTopic>(topic: T, value: WireOutputs[T]): Uint8Array;
  decodeOutput<T extends OutputTopic>(topic: T, value: Uint8Array): WireOutputs[T];
}

/** What cannot be decoded or is not valid: the code is stable, the reason names the field and the remedy. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  constructor(
    readonly code: string,
    reason: string,
  ) {
    super(reason);
  }
}

/** Raw answers for `rows` vectors, column by column. */
export type RawScoreColumns = Readonly<Record<keyof RawScores, Float32Array>>;

/** Answers of a batch, and the models that gave them: one set of models for the whole batch. */
export interface BatchAnswers {
  raw: RawScoreColumns;
  by: Pick<Scorer, 'constants' | 'explain' | 'trainedOn'>;
}

/** What drift of a model is measured against: quantiles of its training rows, as its manifest has them. */
export interface TrainedOn {
  readonly name: string;
  readonly version: string;
  readonly quantiles: {
    /** At 0, 5, …, 100 %. */
    readonly score: readonly number[];
    readonly features: Readonly<
      Record<string, { readonly undefinedShare: number; readonly values: readonly number[] }>
    >;
  };
}

export interface Scorer {
  /** Of the models that the next `score` will use. */
  readonly constants: ScoringConstants;
  /** Of the models of `constants`, in one object until they change. Left out: nobody can say. */
  readonly trainedOn?: readonly TrainedOn[];
  /** Row-major vectors of the layout's width; at most 1,024 rows a call to the runtime (the adapter cuts). */
  score(vectors: Float32Array, rows: number): Promise<RawScoreColumns>;
  /**
   * Why: the reasons of each of `rows` (indices of vectors) by the models of `constants`, in the order of `rows`. Of
   * each model the `largest` contributions (3 when left out), then `remainder` and `base`; nothing of a model that
   * can't say. Leaves the event loop free every few milliseconds. Left out: no model can say.
   */
  explain?(vectors: Float32Array, rows: readonly number[], largest?: number): Promise<Reason[][]>;
  /** Where models change while lanes work (processors/swap). Left out: `score`, by this scorer. */
  scoreBatch?(vectors: Float32Array, rows: number): Promise<BatchAnswers>;
}

/** A customer as the last evaluation of a batch saw it. */
export interface SeenCustomer {
  customerId: CustomerId;
  asOf: EpochMs;
  firstSeenAt: EpochMs;
  /** The vector begins at `offset`; the memory is the batch's, so copy what is kept. */
  cells: Float32Array;
  offset: number;
  /** The answer of a model to this vector; NaN when it gave none. */
  answers: (model: string) => number;
  /** Of the models that answered. */
  trainedOn: readonly TrainedOn[];
}

/** Looks on while lanes score: what drift is measured on. It throws nothing and takes no part in the batch. */
export interface ScoreWatch {
  /** Asked for every customer of every batch. */
  follows(id: CustomerId): boolean;
  saw(customer: SeenCustomer): void;
  /** The customer was erased. */
  forget(id: CustomerId): void;
}

/** The one place that knows what time it is. */
export interface Clock {
  now(): EpochMs;
  /** Resolves after `ms`, or when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
