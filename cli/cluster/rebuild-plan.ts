/** What a rebuild may apply: the archive, what Kafka still holds, and what the group has committed must fit together. */
import type { Kafka } from 'kafkajs';
import type { StateStore } from '../../processors/ports';
import type { RedisConnection } from '../../processors/state/redis';
import { occupiedPartitions } from '../../processors/state/redis';
import type { InputTopic, Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import { KafkaSource } from '../../streams/archive';
import type { Coverage, OpenArchive } from '../../streams/archive';
import { topicName } from '../../streams/kafka';
import { CliError } from '../errors';
import { count } from '../output/format';
import type { Settings } from '../settings';
import { isBegun } from './rebuild';
import type { Reach } from './rebuild';

const refused = (why: string): CliError => new CliError('rebuild-refused', why);

/** @throws CliError rebuild-refused, naming what is there */
export async function checkEmpty(redis: RedisConnection, settings: Settings): Promise<void> {
  const application = settings['kafka.application'];
  const occupied = await occupiedPartitions(redis, application);
  if (occupied.length === 0) return;
  const customers = occupied.reduce((sum, one) => sum + one.customers, 0);
  const shown = occupied.slice(0, 8).map(({ partition }) => partition);
  const more = occupied.length > shown.length ? ' and more' : '';
  throw refused(
    `Redis holds a state of ${application}: ${count(customers)} customer(s) in ${count(occupied.length)} partition(s) (${shown.join(', ')}${more}). A rebuild goes into an empty state only, and has changed nothing. One that was stopped on the way goes on with --again.`,
  );
}

/**
 * What is there is what a rebuild of these inputs has left, and nobody has worked on it since. Raises epochs, no more.
 * @throws CliError rebuild-refused
 */
export async function checkResumable(store: StateStore, plan: readonly Reach[]): Promise<void> {
  for (const { partition, to } of plan) {
    const claim = await store.claim(partition);
    const { positions, batchNumber } = claim;
    // Killed before its first commit, it has left nothing.
    if (positions === null || batchNumber === 0) continue;
    if (!isBegun(claim))
      throw refused(
        `Partition ${partition} holds a state that no rebuild has begun, or that a processor has gone on with: it is left as it is. A rebuild from nothing needs an empty Redis.`,
      );
    const beyond = INPUT_TOPICS.find(topic => positions[topic] > to[topic]);
    if (beyond !== undefined)
      throw refused(
        `Partition ${partition} is at offset ${positions[beyond]} of ${beyond}, beyond ${to[beyond]}, where the archive or the group ends: it was built from another archive.`,
      );
  }
}

/** A processor that runs would take the partitions away. @throws CliError rebuild-refused */
export async function checkNobodyWorks(kafka: Kafka, application: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const { groups } = await admin.describeGroups([application]);
    const members = groups[0]?.members.length ?? 0;
    if (members > 0)
      throw refused(
        `The group ${application} has ${count(members)} member(s): stop every processor, and what starts them again.`,
      );
  } finally {
    await admin.disconnect();
  }
}

/** Committed by the group, by topic and partition; null where nothing is. */
async function committedOf(
  kafka: Kafka,
  settings: Settings,
): Promise<(topic: InputTopic, partition: number) => number | null> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const name = (topic: InputTopic): string => topicName(settings['kafka.topicPrefix'], topic);
    const answers = await admin.fetchOffsets({
      groupId: settings['kafka.application'],
      topics: INPUT_TOPICS.map(name),
    });
    return (topic, partition) => {
      const held = answers
        .find(one => one.topic === name(topic))
        ?.partitions.find(one => one.partition === partition);
      const offset = Number(held?.offset ?? -1);
      return offset < 0 ? null : offset;
    };
  } finally {
    await admin.disconnect();
  }
}

/** @throws CliError rebuild-refused */
export async function planRebuild(
  { partitions, inputs }: OpenArchive,
  kafka: Kafka,
  settings: Settings,
): Promise<Reach[]> {
  const source = await KafkaSource.open(kafka, settings['kafka.topicPrefix']);
  try {
    const committed = await committedOf(kafka, settings);
    const from = Array.from({ length: partitions }, () => ({}) as Record<InputTopic, number>);
    const to = Array.from({ length: partitions }, () => ({}) as Record<InputTopic, number>);
    for (const topic of INPUT_TOPICS) {
      if (source.partitions(topic) !== partitions)
        throw refused(
          `${topic} has ${source.partitions(topic)} partitions, the archive has ${partitions}: it is of other topics.`,
        );
      for (const [partition, { start }] of (await source.held(topic)).entries()) {
        const covered = inputs.find(one => one.topic === topic && one.partition === partition);
        const range = rangeOf(topic, partition, covered, start, committed(topic, partition));
        from[partition]![topic] = range.from;
        to[partition]![topic] = range.to;
      }
    }
    return from.map((positions, partition) => ({
      partition,
      from: positions as Positions,
      to: to[partition] as Positions,
    }));
  } finally {
    await source.close();
  }
}

/** What was never archived is read from Kafka, from where that begins. */
export function rangeOf(
  topic: InputTopic,
  partition: number,
  covered: Pick<Coverage, 'start' | 'end'> | undefined,
  kafkaStart: number,
  committed: number | null,
): { from: number; to: number } {
  const { start, end } = covered ?? { start: kafkaStart, end: kafkaStart };
  const to = Math.min(end, committed ?? end);
  const where = `Partition ${partition} of ${topic}`;
  if (to < start)
    throw refused(`${where}: the group has committed ${committed}, the archive begins at ${start}.`);
  if (to < kafkaStart)
    throw refused(
      `${where}: the archive and the group reach offset ${to}, Kafka begins at ${kafkaStart}. Offsets ${to} to ${kafkaStart - 1} are lost.`,
    );
  return { from: start, to };
}

/** Offsets that the state will lack. @throws CliError rebuild-refused unless they are accepted */
export function checkWhole(
  coverage: readonly Coverage[],
  acceptsGap: boolean,
  note: (line: string) => void,
): void {
  const lacking = coverage.flatMap(({ topic, partition, start, holes, gaps }) => [
    ...(start > 0 ? [{ topic, partition, from: 0, to: start, isBefore: true }] : []),
    ...[...holes, ...gaps].map(range => ({ topic, partition, ...range, isBefore: false })),
  ]);
  for (const { topic, partition, from, to } of lacking)
    note(`Partition ${partition} of ${topic}: offsets ${from} to ${to - 1} are not in the archive.`);
  const inside = lacking.filter(({ isBefore }) => !isBefore);
  if (inside.length > 0 && !acceptsGap)
    throw refused(
      `The archive lacks offsets in ${count(inside.length)} place(s), the first in partition ${inside[0]!.partition} of ${inside[0]!.topic}: ${inside[0]!.from} to ${inside[0]!.to - 1}. With --accept-gap the state is built without them.`,
    );
}
