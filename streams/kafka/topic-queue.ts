/** Records of one topic and partition that were fetched and not yet read, with how far the fetches got. */
import type { EpochMs, InputTopic } from '../../schemas';
import type { LogRecord, TopicBatch } from '../../processors/ports';

const NO_BYTES = new Uint8Array(0);

export interface Arrived {
  /** What the fetch asked for. */
  from: number;
  records: readonly LogRecord[];
  nextOffset: number;
  /** High watermark of the partition when the broker answered. */
  logEnd: number;
  /** Nothing more was there when the broker answered. */
  atEnd: boolean;
  /** When the fetch was sent. */
  askedAt: EpochMs;
}

export class TopicQueue {
  private records: LogRecord[] = [];
  private bytes = 0;
  /** Of the first record that waits, or of the next fetch when none does. */
  private readFrom = 0;
  /** Where the next fetch begins. */
  fetchFrom = 0;
  /** Null until a fetch from the present position has been answered. */
  private end: { atEnd: boolean; askedAt: EpochMs } | null = null;
  /** High watermark at the last answer; null: there was none. */
  logEnd: number | null = null;
  private refusal: Error | null = null;
  /** A fetch is only worth while when somebody has said where to begin. */
  isOpen = false;

  constructor(
    readonly topic: InputTopic,
    readonly partition: number,
  ) {}

  /** Reading goes on at `from`: what was fetched for another position is forgotten. */
  goTo(from: number): void {
    if (this.isOpen && this.readFrom === from) return;
    this.isOpen = true;
    this.records = [];
    this.bytes = 0;
    this.readFrom = this.fetchFrom = from;
    this.end = null;
    this.refusal = null;
  }

  close(): void {
    this.isOpen = false;
    this.records = [];
    this.bytes = 0;
  }

  get waitingBytes(): number {
    return this.bytes;
  }

  get waitingRecords(): number {
    return this.records.length;
  }

  get isAnswered(): boolean {
    return this.end !== null || this.refusal !== null;
  }

  get isRefused(): boolean {
    return this.refusal !== null;
  }

  /** False when reading went elsewhere meanwhile: the answer is for nobody. */
  arrive({ from, records, nextOffset, logEnd, atEnd, askedAt }: Arrived): boolean {
    this.logEnd = logEnd;
    if (!this.isOpen || from !== this.fetchFrom) return false;
    for (const record of records) {
      this.records.push(record);
      this.bytes += sizeOf(record);
    }
    this.fetchFrom = nextOffset;
    this.end = { atEnd, askedAt };
    return true;
  }

  refuse(from: number, error: Error): void {
    if (this.isOpen && from === this.fetchFrom) this.refusal = error;
  }

  /** The first records that wait, without taking them. */
  peek(maxRecords: number): readonly LogRecord[] {
    return this.records.length <= maxRecords ? this.records : this.records.slice(0, maxRecords);
  }

  /** @throws what `refuse` was told */
  take(maxRecords: number): TopicBatch {
    if (this.records.length === 0 && this.refusal !== null) throw this.refusal;
    const { topic, end } = this;
    const records = this.records.length <= maxRecords ? this.records : this.records.slice(0, maxRecords);
    this.records = records === this.records ? [] : this.records.slice(maxRecords);
    for (const record of records) this.bytes -= sizeOf(record);
    const isLast = this.records.length === 0;
    this.readFrom = isLast ? this.fetchFrom : records[records.length - 1]!.offset + 1;
    const atEnd = isLast && end !== null && end.atEnd;
    return { topic, records, nextOffset: this.readFrom, atEnd, ...(atEnd ? { seenAt: end.askedAt } : {}) };
  }

  /** Nothing is taken: what waits can't be read yet. */
  hold(): TopicBatch {
    return { topic: this.topic, records: [], nextOffset: this.readFrom, atEnd: false };
  }
}

/** With what an object and its strings cost beside the bytes. */
const sizeOf = ({ key, value }: LogRecord): number => 200 + key.length + (value ?? NO_BYTES).length;
