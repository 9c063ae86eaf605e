/**
 * Step 4 of the lane: records of the inputs merged by the smallest record timestamp among the topics that have
 * something. A topic is read again when it ran out, so at most one page a topic waits in memory.
 */
import type { EpochMs, InputTopic, Positions } from '../../schemas';
import type { EventLog, LogRecord } from '../ports';
import type { MutablePositions } from './positions';

/** Data before commands at one instant: an input at exactly midnight comes before that midnight's tick. */
const MERGE_ORDER: readonly InputTopic[] = [
  'web-events',
  'orders',
  'customers',
  'customer-mail',
  'customer-commands',
];

/** Waiting records of one topic. */
interface TopicBuffer {
  topic: InputTopic;
  records: LogRecord[];
  head: number;
  /** Position after the last record of the page. */
  nextOffset: number;
  /** Nothing more was there when the page was read, at `readAt`. */
  atEnd: boolean;
  readAt: EpochMs;
  /** Record timestamp of the newest record taken. */
  takenThrough: EpochMs;
  /** Records at or after this offset are left alone. */
  limit: number;
}

/** Where the topic's next record is, or would be. */
function positionOf(buffer: TopicBuffer): number {
  const { records, head, nextOffset, limit } = buffer;
  const next = head < records.length ? records[head]!.offset : nextOffset;
  return Math.min(next, limit);
}

const isEmpty = ({ records, head, limit }: TopicBuffer): boolean =>
  head >= records.length || records[head]!.offset >= limit;

/** Can't give a record, but reading may change that. */
const isDry = (buffer: TopicBuffer): boolean =>
  buffer.head >= buffer.records.length && buffer.nextOffset < buffer.limit;

export class Intake {
  private readonly buffers: readonly TopicBuffer[];

  constructor(
    private readonly log: EventLog,
    private readonly partition: number,
    /** Records a topic and page at most. */
    private readonly pageRecords: number,
  ) {
    this.buffers = MERGE_ORDER.map(topic => ({
      topic,
      records: [],
      head: 0,
      nextOffset: 0,
      atEnd: false,
      readAt: -Infinity,
      takenThrough: -Infinity,
      limit: Infinity,
    }));
  }

  /** Forgets what waits and goes on at `positions`. */
  open(positions: Positions): void {
    for (const buffer of this.buffers) {
      buffer.records = [];
      buffer.head = 0;
      buffer.nextOffset = positions[buffer.topic];
      buffer.atEnd = false;
      buffer.readAt = buffer.takenThrough = -Infinity;
      buffer.limit = Infinity;
    }
  }

  /** Takes nothing at or after these positions; null: no limit. */
  limitTo(limit: Positions | null): void {
    for (const buffer of this.buffers) buffer.limit = limit === null ? Infinity : limit[buffer.topic];
  }

  /** Of the next record, topic by topic. */
  positions(): MutablePositions {
    const positions = {} as MutablePositions;
    for (const buffer of this.buffers) positions[buffer.topic] = positionOf(buffer);
    return positions;
  }

  /**
   * Reads the topics that ran out: at the start of a batch all of them, within one those that are known to have more.
   * @throws OffsetOutOfRangeError
   */
  async fill(now: EpochMs, alsoAtEnd: boolean): Promise<void> {
    const wanted = this.buffers.filter(buffer => isDry(buffer) && (alsoAtEnd || !buffer.atEnd));
    if (wanted.length === 0) return;
    const from = {} as MutablePositions;
    for (const { topic, nextOffset } of this.buffers) from[topic] = nextOffset;
    const topics = wanted.map(({ topic }) => topic);
    const batches = await this.log.read(this.partition, from, this.pageRecords, topics);
    for (const { topic, records, nextOffset, atEnd, seenAt } of batches) {
      const buffer = wanted.find(candidate => candidate.topic === topic);
      if (buffer === undefined) continue;
      buffer.records = records;
      buffer.head = 0;
      buffer.nextOffset = nextOffset;
      buffer.atEnd = atEnd;
      buffer.readAt = seenAt ?? now;
    }
  }

  /** A topic ran out that may have an older record than any other: `fill` before `next`. */
  get starved(): boolean {
    for (const buffer of this.buffers) if (!buffer.atEnd && isDry(buffer)) return true;
    return false;
  }

  /** Takes the record with the smallest timestamp; null when there is none. */
  next(): LogRecord | null {
    let from: TopicBuffer | null = null;
    let smallest: EpochMs = Infinity;
    for (const buffer of this.buffers) {
      if (isEmpty(buffer)) continue;
      const { recordAt } = buffer.records[buffer.head]!;
      if (from !== null && recordAt >= smallest) continue;
      from = buffer;
      smallest = recordAt;
    }
    if (from === null) return null;
    if (smallest > from.takenThrough) from.takenThrough = smallest;
    return from.records[from.head++]!;
  }

  /** Every record of the lane before this instant was taken: what a tick may be due at. -Infinity when unknown. */
  readThrough(): EpochMs {
    let through: EpochMs = Infinity;
    for (const buffer of this.buffers) {
      const { atEnd, readAt, takenThrough } = buffer;
      const dry = buffer.head >= buffer.records.length;
      through = Math.min(through, dry && atEnd ? Math.max(readAt, takenThrough) : takenThrough);
    }
    return through;
  }
}
