/** A small history as a stream leaves it: through real lanes, with their ticks and mail, then archived. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InputTopic } from '../../schemas';
import { DAY_MS } from '../../schemas';
import { DEFAULT_RULES, DEFAULT_SETTINGS } from '../../processors/core';
import { Lane, ReplayDriver } from '../../processors/runner';
import { SimulatedScorer } from '../../processors/sim/scorer';
import { Archiver, EventLogSource, openArchive } from '../../streams/archive';
import type { OpenArchive } from '../../streams/archive';
import { MemoryStorage } from '../../streams/archive/testing/worlds';
import { createAvroCodec } from '../../streams/avro/codec';
import { EmbeddedHistory, openEmbedded } from '../../streams/embedded';
import type { HistoryRecord } from '../dataset';

const codec = createAvroCodec();

const keyOf = ({ value }: HistoryRecord): string =>
  'customerId' in value ? value.customerId : (value.userId ?? `anon:${value.anonymousId}`);

/** `until`: time moves on to there after the last record. */
export async function streamArchive(
  records: readonly HistoryRecord[],
  partitions: number,
  until: number,
): Promise<OpenArchive> {
  const directory = mkdtempSync(join(tmpdir(), 'rescore-stream-'));
  const embedded = openEmbedded({ directory, partitions });
  const { log, store, environment } = embedded;
  try {
    const ports = { log, store, publisher: store, scorer: new SimulatedScorer(), codec };
    const lanes = Array.from(
      { length: partitions },
      (_, partition) => new Lane({ partition, ports, core: DEFAULT_SETTINGS, rules: DEFAULT_RULES }),
    );
    for (const lane of lanes) await lane.start();
    const history = new EmbeddedHistory(environment, log, 'test');
    // One by one: lanes that take turns with longer slices write each other's mail out of the order of time.
    const driver = new ReplayDriver({ lanes, log, store, history, codec, sliceRecords: 1 });
    await driver.resume();
    for (const record of records) {
      const { topic, recordAt } = record;
      const value = codec.encodeInput<InputTopic>(topic, record.value);
      await driver.feed({ topic, key: keyOf(record), recordAt, value });
    }
    await driver.finish(until);
    const storage = new MemoryStorage();
    const clock = { now: () => until + 1_000 * DAY_MS };
    const source = new EventLogSource(log);
    await (await Archiver.open({ storage, source, clock, fileOffsets: 512 })).round();
    return await openArchive(storage);
  } finally {
    await embedded.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
