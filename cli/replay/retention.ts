/** Removes from the log what is handled and older than the retention setting, in the data's own time. */
import type { EpochMs, Positions } from '../../schemas';
import type { Embedded } from '../../streams/embedded';

interface Mark {
  at: EpochMs;
  positions: Positions[];
  sequence: number;
}

export class Retention {
  private readonly marks: Mark[] = [];

  constructor(
    private readonly embedded: Embedded,
    private readonly keepMs: number,
    /** Shortest data time between two marks. */
    private readonly everyMs: number,
  ) {}

  /** Call when everything in the log up to data time `at` is handled, and outputs before `sequence` are copied. */
  async reached(at: EpochMs, sequence: number): Promise<void> {
    const newest = this.marks[this.marks.length - 1];
    if (newest !== undefined && at - newest.at < this.everyMs) return;
    const { log, output } = this.embedded;
    const positions: Positions[] = [];
    for (let partition = 0; partition < log.partitions; partition++) {
      const committed = await log.committed(partition);
      if (committed !== null) positions[partition] = committed;
    }
    this.marks.push({ at, positions, sequence });
    let expired: Mark | undefined;
    while (this.marks.length > 0 && at - this.marks[0].at > this.keepMs) expired = this.marks.shift();
    if (expired === undefined) return;
    expired.positions.forEach((before, partition) => log.trim(partition, before));
    output.trim(expired.sequence);
  }
}
