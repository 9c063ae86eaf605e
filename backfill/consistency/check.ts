/**
 * Consistency: the vectors of published scores, computed again from the log and compared byte by byte with what each
 * score says of its own.
 *
 * Partition by partition:
 * 1. The scores of the range and the sample; those of more customers than memory should hold make several passes.
 * 2. In the order of their positions, a walk through the log (partition-walk.ts) stops at each, and the customer's vector
 *    at the score's as-of is written and compared.
 * 3. Positions of one partition follow one another. A score whose position does not is left for a walk of its own.
 */
import type { CustomerId, EngagementScore, InputTopic, Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import { VECTOR_WIDTH, hash64, writeVector } from '../../processors/core';
import { LAYOUT_FINGERPRINT } from '../../models';
import { compare } from './compare';
import type { Comparison } from './compare';
import { FoldedCustomers } from './folded-customers';
import { PartitionWalk } from './partition-walk';
import type { WalkOptions } from './partition-walk';
import { isInRange, isInSample } from './published';
import type { PublishedScore, PublishedScores, Selection } from './published';
import { EXAMPLES, emptyReport } from './report';
import type { ConsistencyReport, Example, MissingReason } from './report';

/** Scores of a pass: about 2 KB each. */
const SCORES_AT_ONCE = 50_000;

export interface CheckOptions extends Omit<WalkOptions, 'partition'> {
  scores: PublishedScores;
  selection: Selection;
  /** Input topics of a partition whose history does not begin at its first record, or has an accepted gap. */
  notWhole: (partition: number) => readonly InputTopic[];
  scoresAtOnce?: number;
  signal?: AbortSignal;
  onPartition?: (partition: number) => void;
}

/** @throws ArchiveDamagedError, OffsetOutOfRangeError */
export async function checkConsistency(options: CheckOptions): Promise<ConsistencyReport> {
  const report = emptyReport();
  for (let partition = 0; partition < options.log.partitions; partition++) {
    if (options.signal?.aborted === true) break;
    await checkPartition(partition, options, report);
    options.onPartition?.(partition);
  }
  const features = Object.entries(report.features).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return { ...report, features: Object.fromEntries(features) };
}

async function checkPartition(
  partition: number,
  options: CheckOptions,
  report: ConsistencyReport,
): Promise<void> {
  const { scoresAtOnce = SCORES_AT_ONCE } = options;
  const { chosen, found, sampled } = await choose(partition, options, (_id, before) => before < scoresAtOnce);
  report.scores += found;
  if (sampled <= scoresAtOnce) {
    await checkScores(partition, chosen, options, report);
    return;
  }
  // Too many for one pass: by customer, as all scores of one need the same walk.
  const passes = Math.ceil(sampled / scoresAtOnce) + 1;
  for (let pass = 0; pass < passes; pass++) {
    const own = await choose(partition, options, id => hash64(id).lo % passes === pass);
    await checkScores(partition, own.chosen, options, report);
  }
}

/** Scores of the range and the sample that `isOfPass`, who is told of the customer and of how many came before. */
async function choose(
  partition: number,
  { scores, selection, signal }: CheckOptions,
  isOfPass: (customerId: CustomerId, before: number) => boolean,
): Promise<{ chosen: PublishedScore[]; found: number; sampled: number }> {
  const chosen: PublishedScore[] = [];
  let found = 0;
  let sampled = 0;
  for await (const published of scores(partition, selection.from)) {
    if (signal?.aborted === true) break;
    if (!isInRange(published, selection)) continue;
    found++;
    if (!isInSample(published, selection)) continue;
    if (isOfPass(published.score.customerId, sampled++)) chosen.push(published);
  }
  return { chosen, found, sampled };
}

const lengthOf = (position: Positions): number =>
  INPUT_TOPICS.reduce((sum, topic) => sum + position[topic], 0);

const inOrder = (a: PublishedScore, b: PublishedScore): number =>
  lengthOf(a.score.position) - lengthOf(b.score.position) ||
  a.score.asOf - b.score.asOf ||
  (a.id < b.id ? -1 : 1);

async function checkScores(
  partition: number,
  scores: PublishedScore[],
  options: CheckOptions,
  report: ConsistencyReport,
): Promise<void> {
  const ends = await options.log.ends(partition);
  const excuses = (score: EngagementScore): MissingReason | null => {
    if (score.layout !== LAYOUT_FINGERPRINT) return 'otherLayout';
    if (INPUT_TOPICS.some(topic => score.position[topic] > ends[topic])) return 'notArchived';
    return options.notWhole(partition).length > 0 ? 'historyNotWhole' : null;
  };
  const vector = new Float32Array(VECTOR_WIDTH);
  for (let left = scores.sort(inOrder); left.length > 0;) {
    const customers = new FoldedCustomers(left.map(({ score }) => score.customerId));
    const walk = await PartitionWalk.open({ ...options, partition }, customers);
    const passed: PublishedScore[] = [];
    for (const published of left) {
      if (options.signal?.aborted === true) return;
      const { score } = published;
      if (walk.hasPassed(score.position)) {
        passed.push(published);
        continue;
      }
      await walk.foldTo(score.position);
      writeVector(customers.of(score.customerId).facts, score.asOf, vector, 0);
      customers.answered(score.customerId);
      enter(published, compare(published, vector), excuses(score), report);
    }
    left = passed;
  }
}

function enter(
  published: PublishedScore,
  comparison: Comparison,
  excuse: MissingReason | null,
  report: ConsistencyReport,
): void {
  if (!comparison.isEqual && excuse !== null) {
    report.missing++;
    report.missingBecause[excuse] = (report.missingBecause[excuse] ?? 0) + 1;
    return;
  }
  report.checked++;
  if (published.score.vector != null) report.wholeVectors++;
  if (comparison.isEqual) return;
  report.differing++;
  for (const { name } of comparison.features) report.features[name] = (report.features[name] ?? 0) + 1;
  if (report.examples.length < EXAMPLES) report.examples.push(exampleOf(published, comparison));
}

const exampleOf = ({ id, score }: PublishedScore, { vectorHash, features }: Comparison): Example => ({
  id,
  partition: score.position.partition,
  asOf: new Date(score.asOf).toISOString(),
  publishedHash: score.vectorHash,
  recomputedHash: vectorHash,
  features,
});
