/**
 * From the rows of files to sorted rows: each row is read, validated as the lane will validate it, tallied and put
 * into the sort; what cannot be used becomes a dead letter that names file and line.
 */
import { readInput, hash64, type CustomerInput, type InputRules } from '../../processors/core';
import type { OutgoingMessage, WireCodec } from '../../processors/ports';
import { DEFAULT_LANE_SETTINGS } from '../../processors/runner';
import { MessageWriter } from '../../processors/runner/messages';
import { NEVER, type EpochMs, type InputTopic } from '../../schemas';
import { MAX_RECORD_BYTES } from '../../streams/avro/frame';
import type { ReadRow, RowReading } from '../../streams/rows';
import { CliError, EXIT } from '../errors';
import type { ExternalSort } from './external-sort';
import { emptyTally, tallyInput } from './intake-tally';
import type { QualityReporter } from './quality';
import { ROW_FLAGS, type SortedRow } from './row';

export interface RowPlace {
  /** Index in the list of files, and the name that it was given by. */
  file: number;
  name: string;
  line: number;
  /** The row as it stands in the file. */
  raw: string;
}

export interface IntakeOptions {
  sort: ExternalSort;
  quality: QualityReporter;
  codec: WireCodec;
  rules: InputRules;
  strict: boolean;
  /** First sort key of a row. */
  order: (recordAt: EpochMs, file: number, line: number) => number;
  /** Takes dead letters in the order of the files. */
  onDeadLetter: (message: OutgoingMessage) => void;
}

type Bad = { code: string; reason: string };

export class Intake {
  readonly tally = emptyTally();
  earliestAt: EpochMs = NEVER;
  latestAt: EpochMs = -NEVER;
  /** Where the newest row stands: to name it when it lies after --until. */
  latest: RowPlace | null = null;
  earliest: RowPlace | null = null;
  private readonly writer: MessageWriter;

  constructor(private readonly options: IntakeOptions) {
    // A dead letter holds at most 64 KB of its row, so none can be too large.
    this.writer = new MessageWriter(
      options.codec,
      DEFAULT_LANE_SETTINGS.source,
      MAX_RECORD_BYTES,
      () => undefined,
    );
  }

  /** Takes one row. `CliError` stopped-by-strict for one that cannot be used, with --strict. */
  take(reading: RowReading, place: RowPlace): void {
    if (reading.ok === 'ignored') {
      this.tally.rows++;
      this.tally.ignored++;
      return;
    }
    if (!reading.ok) this.refuse('read', reading, place);
    else this.validate(reading, place);
  }

  private validate(row: ReadRow, place: RowPlace): void {
    const { recordAt } = row;
    if (recordAt === null) {
      const reason =
        'the row has no time. Send timestamp or receivedAt, or name a time column in the mapping.';
      this.refuse('validate', { code: 'missing-time', reason }, place);
      return;
    }
    const source = { topic: row.topic, partition: 0, offset: 0, index: 0 };
    const reading = readInput<InputTopic>(
      row.topic,
      row.value,
      { recordAt, source, mailedFrom: null },
      this.options.rules,
    );
    if (reading.ok) this.keep(row, reading.input, recordAt, place);
    else this.refuse('validate', reading, place);
  }

  private keep(row: ReadRow, input: CustomerInput, recordAt: EpochMs, place: RowPlace): void {
    const { sort, quality, codec, order } = this.options;
    const { file, line } = place;
    tallyInput(this.tally, input);
    if (recordAt < this.earliestAt) [this.earliestAt, this.earliest] = [recordAt, place];
    if (recordAt > this.latestAt) [this.latestAt, this.latest] = [recordAt, place];
    const id = hash64(row.value.messageId);
    const sorted: SortedRow = {
      order: order(recordAt, file, line),
      recordAt,
      eventAt: 'eventAt' in input ? input.eventAt : recordAt,
      file,
      line,
      topic: row.topic,
      flags: flagsOf(row, input),
      idHigh: id.hi,
      idLow: id.lo,
      key: input.customerId,
      value: codec.encodeInput<InputTopic>(row.topic, row.value),
    };
    quality.learn(sorted, input.kind === 'profile' ? input.fields.createdAt : null);
    sort.add(sorted);
  }

  private refuse(stage: 'read' | 'validate', { code, reason }: Bad, place: RowPlace): void {
    const { name, line, raw } = place;
    if (this.options.strict)
      throw new CliError('stopped-by-strict', `${name}, line ${line}: ${code}: ${reason}`, EXIT.strict);
    this.tally.rows++;
    this.tally.deadLetters++;
    const source = { topic: 'file', partition: place.file, offset: line };
    this.options.onDeadLetter(
      this.writer.deadLetter(
        { source, origin: `${name}:${line}`, stage, code, reason },
        Buffer.from(raw, 'utf8'),
        0,
      ),
    );
  }
}

function flagsOf(row: ReadRow, input: CustomerInput): number {
  let flags = row.derivedMessageId ? ROW_FLAGS.missingId : 0;
  if (input.kind === 'activity') flags |= ROW_FLAGS.activity;
  else if (input.kind === 'profile') flags |= ROW_FLAGS.profile;
  else if (input.kind === 'order') {
    flags |= ROW_FLAGS.activity | ROW_FLAGS.order;
    if (input.amountMinor !== null && input.amountMinor < 0) flags |= ROW_FLAGS.negativeAmount;
  }
  if ('clockAhead' in input && input.clockAhead) flags |= ROW_FLAGS.clockAhead;
  return flags;
}
