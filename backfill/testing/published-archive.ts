/** A world that real lanes scored, as an archive of its inputs and of its scores; tests may change rows before they are archived. */
import type { ArchivedTopic, InputTopic } from '../../schemas';
import { DAY_MS, INPUT_TOPICS } from '../../schemas';
import { DEFAULT_RULES, DEFAULT_SETTINGS } from '../../processors/core';
import { Lane, ReplayDriver } from '../../processors/runner';
import { SimulatedScorer } from '../../processors/sim/scorer';
import { DEFAULT_WORLD, worldRecords } from '../../processors/sim/world';
import { MemoryStateStore } from '../../processors/state/memory';
import { LAYOUT_FINGERPRINT } from '../../models';
import { Archiver } from '../../streams/archive';
import type { ArchiveStorage } from '../../streams/archive';
import { LogSource } from '../../streams/archive/testing/worlds';
import { createAvroCodec } from '../../streams/avro/codec';
import { MemoryBroker, MemoryEventLog, MemoryPublisher } from '../../streams/memory';

const PARTITIONS = 3;
const WORLD = {
  ...DEFAULT_WORLD,
  customers: 40,
  days: 130,
  activityScale: 0.25,
  lateShare: 0.1,
  socialShare: 0.5,
};
const END = WORLD.startAt + (WORLD.days + 120) * DAY_MS;
export const PUBLISHED = { partitions: PARTITIONS, world: WORLD } as const;

const codec = createAvroCodec();

/** A world through real lanes in memory, months of silence at its end. Trackers key anonymous visitors by their bare ids. */
export async function playedWorld(): Promise<MemoryBroker> {
  const broker = new MemoryBroker(PARTITIONS);
  const log = new MemoryEventLog(broker);
  const store = new MemoryStateStore();
  const scorer = new SimulatedScorer(() => 0, LAYOUT_FINGERPRINT);
  const ports = { log, store, publisher: new MemoryPublisher(broker), scorer, codec };
  const settings = { maxRecords: 300, maxCustomers: 9, vectorShare: 0.3 };
  const lanes = Array.from(
    { length: PARTITIONS },
    (_, partition) => new Lane({ partition, ports, core: DEFAULT_SETTINGS, rules: DEFAULT_RULES, settings }),
  );
  for (const lane of lanes) await lane.start();
  let appended = 0;
  const history = {
    appended: () => appended,
    appendSlice: async (
      records: readonly { topic: InputTopic; key: string; recordAt: number; value: Uint8Array }[],
      now: number,
    ) => {
      for (const { topic, ...record } of records)
        await log.append(topic, log.partitionOf(record.key), [record]);
      appended = now;
    },
  };
  const driver = new ReplayDriver({ lanes, log, store, history, codec, sliceRecords: 200 });
  for (const { topic, value, recordAt } of worldRecords(WORLD))
    await driver.feed({
      topic,
      key: value.userId ?? value.anonymousId!,
      recordAt,
      value: codec.encodeInput(topic, value as never),
    });
  await driver.finish(END);
  for (const lane of lanes) await lane.settle();
  return broker;
}

export type Row = { offset: number; recordAt: number; key: string; value: Buffer | null; fault: null };
export type Rows = Map<string, Row[]>;

/** Its inputs and scores, by topic and partition, as the archive takes them. */
export function rowsOf(broker: MemoryBroker): Rows {
  const rows: Rows = new Map();
  for (const topic of INPUT_TOPICS)
    for (let partition = 0; partition < PARTITIONS; partition++)
      rows.set(
        `${topic}/${partition}`,
        broker.read(topic, partition, 0, Infinity).records.map(({ offset, recordAt, key, value }) => {
          return { offset, recordAt, key, value: Buffer.from(value), fault: null };
        }),
      );
  for (const { topic, partition, sequence, key, value } of broker.published) {
    if (topic !== 'engagement-scores') continue;
    const place = `${topic}/${partition}`;
    const held = rows.get(place) ?? [];
    // Published when the lane had come to its as-of.
    const asOf = value === null ? 0 : codec.decodeOutput(topic, value).asOf;
    const recordAt = Math.max(asOf, held.at(-1)?.recordAt ?? WORLD.startAt);
    rows.set(place, [
      ...held,
      { offset: sequence, recordAt, key, value: value && Buffer.from(value), fault: null },
    ]);
  }
  return rows;
}

/** Writes them all, and gives the storage back. */
export async function archiveOf<S extends ArchiveStorage>(rows: Rows, storage: S): Promise<S> {
  const logs = [...rows].map(([place, held]) => {
    const [topic, partition] = place.split('/') as [ArchivedTopic, string];
    return { topic, partition: Number(partition), rows: held };
  });
  const clock = { now: () => END + 10 * DAY_MS };
  const source = new LogSource(PARTITIONS, logs);
  await (await Archiver.open({ storage, source, clock, fileOffsets: 500, fileBytes: 1 << 20 })).round();
  return storage;
}
