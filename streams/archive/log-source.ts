/** A log as lanes read it, as what is archived: the embedded engine's, which no broker holds. */
import type { InputTopic, Positions } from '../../schemas';
import type { EventLog } from '../../processors/ports';
import type { ArchivedRow } from './container';
import type { ArchiveSource, HeldRange } from './source';

const PAGE = 1_000;

export class EventLogSource implements ArchiveSource {
  constructor(private readonly log: EventLog) {}

  partitions(): number {
    return this.log.partitions;
  }

  async held(topic: InputTopic): Promise<HeldRange[]> {
    const ranges: HeldRange[] = [];
    for (let partition = 0; partition < this.log.partitions; partition++) {
      const [starts, ends] = [await this.log.starts(partition), await this.log.ends(partition)];
      // A topic that this log does not have is empty.
      ranges.push({ start: starts[topic] ?? 0, end: ends[topic] ?? 0 });
    }
    return ranges;
  }

  async *read(
    topic: InputTopic,
    partition: number,
    from: number,
    to: number,
    signal?: AbortSignal,
  ): AsyncGenerator<ArchivedRow[]> {
    // A log may answer for more topics than it is asked for: it has nothing behind their ends.
    const ends = await this.log.ends(partition);
    for (let next = from; next < to && signal?.aborted !== true;) {
      const positions: Positions = { ...ends, [topic]: next };
      const batches = await this.log.read(partition, positions, PAGE, [topic]);
      const batch = batches.find(one => one.topic === topic)!;
      const rows = batch.records.filter(({ offset }) => offset < to);
      if (rows.length > 0)
        yield rows.map(({ offset, recordAt, key, value, fault }) => ({
          offset,
          recordAt,
          key,
          value: Buffer.from(value),
          fault: fault ?? null,
        }));
      if (batch.atEnd) return;
      next = batch.nextOffset;
    }
  }
}
