/**
 * A state from the archive, into an empty Redis.
 *
 * The ordinary lane reads the archive as if it were in the middle of a recovery (processors/runner/reconcile.ts): it
 * applies everything and says nothing, because all of it was said before. The mark of that recovery stays in the state.
 * So whoever claims the partition next goes on with it, from Kafka, in silence up to what the group has committed, and
 * then says the present score of every customer. That also makes a rebuild that was killed on the way harmless: it goes on
 * where it was (--again).
 *
 * It never goes beyond what the group has committed: what was not published yet is the live lane's to publish.
 */
import type { InputRules, CoreSettings } from '../../processors/core';
import type {
  Claim,
  Clock,
  CommittedPositions,
  EventLog,
  Publisher,
  Scorer,
  StateStore,
} from '../../processors/ports';
import { Lane, RECOVERY_MARK } from '../../processors/runner';
import type { LaneSettings } from '../../processors/runner';
import type { Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import type { PreparedCodec } from './codec';

export interface RebuildOptions {
  archive: EventLog;
  store: StateStore;
  scorer: Scorer;
  codec: PreparedCodec;
  clock: Clock;
  core: CoreSettings;
  rules: InputRules;
  lane: Partial<LaneSettings>;
  signal: AbortSignal;
  /** Told of offsets that were passed. */
  onProgress: (offsets: number) => void;
}

/** From where to where the archive is applied. */
export interface Reach {
  partition: number;
  from: Positions;
  to: Positions;
}

const NO_WORDS: Publisher = {
  fence: () => Promise.resolve(),
  publish: () => Promise.resolve(),
};

export const sumOf = (positions: Positions): number =>
  INPUT_TOPICS.reduce((sum, topic) => sum + positions[topic], 0);

const same = (a: Positions, b: Positions): boolean => INPUT_TOPICS.every(topic => a[topic] === b[topic]);

/** False when the signal ended it. @throws FencedError, LaneLostError when somebody else claims the partition */
export async function rebuildPartition(reach: Reach, options: RebuildOptions): Promise<boolean> {
  const { partition, to } = reach;
  const { archive, store, scorer, codec, clock, core, rules, signal } = options;
  await beginRecovery(reach, store);
  const log = reachedLog(archive, reach, codec);
  const lane = new Lane({
    partition,
    ports: { log, store, scorer, codec, clock, publisher: NO_WORDS },
    core,
    rules,
    // Nobody waits for company in an archive.
    settings: { ...options.lane, lingerMs: 0 },
  });
  await lane.start();
  options.onProgress(sumOf(lane.positions) - sumOf(reach.from));
  // Not once more: a lane that finds nothing left would end the recovery, and speak.
  while (!same(lane.positions, to) && !signal.aborted) {
    const before = sumOf(lane.positions);
    if (!(await lane.advance()))
      throw new Error(`Partition ${partition}: the archive ended before its own coverage.`);
    options.onProgress(sumOf(lane.positions) - before);
  }
  await lane.settle();
  return same(lane.positions, to);
}

/** A rebuild was stopped in this partition after its first commit, and can go on from there. */
export const isBegun = ({ mailPositions }: Claim): boolean => mailPositions[RECOVERY_MARK] !== undefined;

/** Positions of a first start, with the mark of a recovery that speaks of everyone at its end. */
async function beginRecovery({ partition, from }: Reach, store: StateStore): Promise<void> {
  const claim = await store.claim(partition);
  if (isBegun(claim)) return;
  if (claim.positions === null) await store.initialise(claim, from);
  const batchNumber = claim.batchNumber + 1;
  const result = await store.commit(claim, {
    batchNumber,
    from,
    to: from,
    mailPositions: { [RECOVERY_MARK]: { offset: claim.epoch, index: 1 } },
    clocks: claim.clocks,
    states: new Map(),
    wakes: new Map(),
    outbox: { batchNumber, epoch: claim.epoch, from, to: from, mail: [], messages: [] },
  });
  if (result !== 'applied') throw new Error(`Partition ${partition}: the first commit was ${result}.`);
}

/** The archive, as far as it is to be applied. */
const reachedLog = (archive: EventLog, { from, to }: Reach, codec: PreparedCodec): EventLog => ({
  partitions: archive.partitions,
  partitionOf: key => archive.partitionOf(key),
  starts: () => Promise.resolve(from),
  ends: () => Promise.resolve(to),
  // What the recovery is to reach.
  committed: (): Promise<CommittedPositions> => Promise.resolve(to),
  read: async (partition, positions, maxRecords, topics) => {
    const batches = await archive.read(partition, positions, maxRecords, topics);
    for (const { topic, records } of batches)
      await codec.prepare?.(
        topic,
        records.map(({ value }) => value),
      );
    return batches;
  },
  append: (topic, partition, records) => archive.append(topic, partition, records),
});
