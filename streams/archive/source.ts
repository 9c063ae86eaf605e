/** What the archive reads: committed records between offsets (streams/kafka/topic-reader.ts), by our names of topics. */
import type { ArchivedTopic } from '../../schemas';
import type { ArchivedRow } from './container';

export interface HeldRange {
  /** First offset that can be read. */
  start: number;
  /** Behind the last one that is decided. */
  end: number;
}

export interface ArchiveSource {
  partitions(topic: ArchivedTopic): number;
  /** By partition. */
  held(topic: ArchivedTopic): Promise<HeldRange[]>;
  /**
   * Pages of rows from `from` to before `to`. Ends early when the signal is aborted.
   * @throws ArchiveGapError when retention overtakes it on the way
   */
  read(
    topic: ArchivedTopic,
    partition: number,
    from: number,
    to: number,
    signal?: AbortSignal,
  ): AsyncIterable<ArchivedRow[]>;
}
