/**
 * One partition through the very core, once, with a stop at each position of interest.
 *
 * A score says how far its lane had read each input: every record before that offset was folded, no record after it.
 * Facts converge, so the order in which the lane merged its topics does not matter, the set does. Between two stops
 * records are merged by their timestamps, as lanes do.
 *
 * What the walk does not repeat are the models. Latches of alerts wake a customer now and then, so a tick that was worth
 * an evaluation there may change nothing here. It would only have moved the clock, which trims what no later vector can
 * show; the vector is written at the score's own as-of.
 */
import type { EpochMs, InputTopic, Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import { fold } from '../../processors/core';
import type { CoreSettings, Effect } from '../../processors/core';
import type { EventLog, LogRecord, WireCodec } from '../../processors/ports';
import type { FoldedCustomers } from './folded-customers';
import { PartitionReader } from './reading';
import type { PartitionReading } from './reading';

/** Data before commands at one instant, as lanes merge. */
const MERGE_ORDER: readonly InputTopic[] = [
  'web-events',
  'orders',
  'customers',
  'customer-mail',
  'customer-commands',
];
const PAGE = 1_000;

/** A codec that may have to ask a registry before it can decode. */
export interface PreparedDecoder extends Pick<WireCodec, 'decode' | 'decodeOutput'> {
  prepare?: (topic: InputTopic | 'engagement-scores', values: Iterable<Uint8Array>) => Promise<void>;
}

export interface WalkOptions extends Omit<PartitionReading, 'partitionOf' | 'codec'> {
  log: EventLog;
  codec: PreparedDecoder;
  settings: CoreSettings;
  /** Told of records that were passed. */
  onRecords?: (records: number) => void;
}

interface Cursor {
  topic: InputTopic;
  records: LogRecord[];
  head: number;
  nextOffset: number;
  atEnd: boolean;
  /** Behind the last record that was folded; 0 before the first. */
  reached: number;
}

/** Has no record at hand, and there may be one before `until`. */
const isDry = ({ head, records, atEnd, nextOffset }: Cursor, until: number): boolean =>
  head >= records.length && !atEnd && nextOffset < until;

export class PartitionWalk {
  private readonly reader: PartitionReader;
  private readonly effects: Effect[] = [];
  private readonly clocks = Object.fromEntries(INPUT_TOPICS.map(topic => [topic, -Infinity])) as Record<
    InputTopic,
    EpochMs
  >;

  private constructor(
    private readonly options: WalkOptions,
    private readonly customers: FoldedCustomers,
    private readonly cursors: readonly Cursor[],
  ) {
    const { partition, codec, rules, log } = options;
    this.reader = new PartitionReader({ partition, codec, rules, partitionOf: key => log.partitionOf(key) });
  }

  /** From where the log begins. Only `customers` are folded. */
  static async open(options: WalkOptions, customers: FoldedCustomers): Promise<PartitionWalk> {
    const starts = await options.log.starts(options.partition);
    const cursors = MERGE_ORDER.map(topic => {
      const from = starts[topic];
      return { topic, records: [], head: 0, nextOffset: from, atEnd: false, reached: 0 };
    });
    return new PartitionWalk(options, customers, cursors);
  }

  /** The walk is beyond it in some topic: it does not go back. */
  hasPassed(position: Positions): boolean {
    return this.cursors.some(({ topic, reached }) => reached > position[topic]);
  }

  /** Folds every record before `position`. @throws what the log throws for a damaged object */
  async foldTo(position: Positions): Promise<void> {
    let records = 0;
    for (;;) {
      for (const cursor of this.cursors)
        if (isDry(cursor, position[cursor.topic])) await this.fill(cursor, position[cursor.topic]);
      const cursor = this.smallest(position);
      if (cursor === null) break;
      this.take(cursor.records[cursor.head++]!);
      cursor.reached = cursor.records[cursor.head - 1]!.offset + 1;
      records++;
    }
    this.options.onRecords?.(records);
  }

  /** Reads on until there is a record, or nothing before `until` is left. */
  private async fill(cursor: Cursor, until: number): Promise<void> {
    const { log, partition, codec } = this.options;
    while (isDry(cursor, until)) {
      const from = { ...(await log.starts(partition)), [cursor.topic]: cursor.nextOffset } as Positions;
      const batch = (await log.read(partition, from, PAGE, [cursor.topic])).find(
        ({ topic }) => topic === cursor.topic,
      )!;
      await codec.prepare?.(
        cursor.topic,
        batch.records.map(({ value }) => value),
      );
      cursor.records = batch.records;
      cursor.head = 0;
      cursor.nextOffset = batch.nextOffset;
      cursor.atEnd = batch.atEnd;
    }
  }

  private smallest(position: Positions): Cursor | null {
    let found: Cursor | null = null;
    let least = Infinity;
    for (const cursor of this.cursors) {
      const record = cursor.records[cursor.head];
      if (record === undefined || record.offset >= position[cursor.topic] || record.recordAt >= least)
        continue;
      found = cursor;
      least = record.recordAt;
    }
    return found;
  }

  private take(record: LogRecord): void {
    const { clocks } = this;
    const { topic, recordAt } = record;
    if (topic !== 'customer-mail') clocks[topic] = Math.max(clocks[topic], recordAt);
    const input = this.reader.read(record);
    if (input === null) return;
    // Mail counts at the instant of what caused it.
    clocks[topic] = Math.max(clocks[topic], input.recordAt);
    if (!this.customers.isAskedFor(input.customerId)) return;
    this.effects.length = 0;
    fold(this.customers.of(input.customerId), input, clocks, this.options.settings, this.effects);
  }
}
