/** A batch in the making: inputs in the order of the merge, and the customers that they touch. */
import type { CustomerId, EpochMs, InputTopic, MailOrigin } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import type { Customer, CustomerInput, Evaluation } from '../core';
import { CATALOGUE } from '../core';
import type { LogRecord, MailPositions, OutgoingMail, OutgoingMessage } from '../ports';
import { newLaneMetrics } from './metrics';
import type { LaneMetrics } from './metrics';
import type { MutablePositions } from './positions';

const VECTOR_WIDTH = CATALOGUE.length;
/** What a score with its reasons and headers takes in the outbox, about. */
const SCORE_BYTES = 1_800;

/** Vectors of a batch, row after row, in memory that is used again for the next one. */
export class VectorRows {
  rows = 0;
  cells = new Float32Array(256 * VECTOR_WIDTH);

  /** Index of the first cell of a new row. */
  open(): number {
    const at = this.rows++ * VECTOR_WIDTH;
    if (at + VECTOR_WIDTH > this.cells.length) {
      const grown = new Float32Array(this.cells.length * 2);
      grown.set(this.cells);
      this.cells = grown;
    }
    return at;
  }

  reset(): void {
    this.rows = 0;
  }
}

/** One question to the models. */
export interface EvaluationRow {
  evaluation: Evaluation;
  row: number;
  /** Offsets of the next records at that moment; null: the batch's end. */
  position: MutablePositions | null;
}

/** A customer of the batch. */
export class Touched {
  customer!: Customer;
  /** Facts or ledger are not what the store holds. */
  changed = false;
  /** Something was applied since the last evaluation. */
  dirty = false;
  /** As-of of the last evaluation. */
  evaluatedAt: EpochMs = -Infinity;
  evaluations: EvaluationRow[] = [];
  /** Of an erasure or a drop: they go out before anything that came after it. */
  tombstones: OutgoingMessage[] = [];
  /** Sessions and late events: what needs no model. */
  messages: OutgoingMessage[] = [];

  constructor(readonly id: CustomerId) {}
}

/** What a draft starts from: the end of the batch before. */
export interface DraftBasis {
  positions: MutablePositions;
  mailPositions: MailPositions;
  clocks: Readonly<Record<InputTopic, EpochMs>>;
}

export class Draft {
  readonly inputs: CustomerInput[] = [];
  /** The customer of each input. */
  readonly touchedBy: Touched[] = [];
  readonly customers = new Map<CustomerId, Touched>();
  readonly deadLetters: OutgoingMessage[] = [];
  /** Counted into the lane's metrics when the batch is committed. */
  readonly counts: LaneMetrics = newLaneMetrics();
  /** Newest record timestamps of what was folded: each input sees those before it. */
  readonly clocks: Record<InputTopic, EpochMs>;
  readonly from: MutablePositions;
  /** What the outbox will take, about. */
  outboxBytes = 0;
  private readonly readClocks: Record<InputTopic, EpochMs>;
  private mailPositionsHeld: Record<string, { offset: number; index: number }> | null = null;
  private readonly mailed: { origin: MailOrigin; mail: OutgoingMail }[] = [];

  constructor(private readonly basis: DraftBasis) {
    this.from = basis.positions;
    this.clocks = { ...basis.clocks };
    this.readClocks = { ...basis.clocks };
  }

  noteRead({ topic, recordAt }: LogRecord): void {
    this.counts.records++;
    // Mail counts at the instant of what caused it, when it is folded.
    if (topic !== 'customer-mail' && recordAt > this.readClocks[topic]) this.readClocks[topic] = recordAt;
  }

  has(id: CustomerId): boolean {
    return this.customers.has(id);
  }

  addInput(input: CustomerInput): void {
    const id = input.customerId;
    let touched = this.customers.get(id);
    if (touched === undefined) {
      touched = new Touched(id);
      this.customers.set(id, touched);
      this.outboxBytes += SCORE_BYTES;
    } else if (input.kind === 'tick' || input.kind === 'rescore') this.outboxBytes += SCORE_BYTES;
    this.inputs.push(input);
    this.touchedBy.push(touched);
  }

  addDeadLetter(letter: OutgoingMessage): void {
    this.deadLetters.push(letter);
    this.outboxBytes += letter.value!.length;
  }

  addMail(origin: MailOrigin, mail: OutgoingMail): void {
    this.mailed.push({ origin, mail });
    this.outboxBytes += mail.value.length;
  }

  /** False: applied before, its origin says so. Remembers what is new. */
  isNewMail({ topic, partition, offset, index }: MailOrigin): boolean {
    const from = `${topic}/${partition}`;
    const seen = this.mailPositions[from];
    if (seen !== undefined && (offset < seen.offset || (offset === seen.offset && index <= seen.index)))
      return false;
    this.mailPositionsHeld ??= { ...this.basis.mailPositions };
    this.mailPositionsHeld[from] = { offset, index };
    return true;
  }

  get mailPositions(): MailPositions {
    return this.mailPositionsHeld ?? this.basis.mailPositions;
  }

  /** Writes a mark among the mail positions. */
  mark(name: string, value: { offset: number; index: number }): void {
    this.mailPositionsHeld ??= { ...this.basis.mailPositions };
    this.mailPositionsHeld[name] = value;
  }

  /** Removes a mark. */
  unmark(name: string): void {
    const { [name]: _removed, ...rest } = this.mailPositions;
    this.mailPositionsHeld = rest;
  }

  /** Everything was folded: also what was refused or passed on moves its topic's clock. */
  closeClocks(): Record<InputTopic, EpochMs> {
    for (const topic of INPUT_TOPICS)
      if (this.readClocks[topic] > this.clocks[topic]) this.clocks[topic] = this.readClocks[topic];
    return this.clocks;
  }

  /**
   * In the order of their causes, topic by topic: a target takes a mail for a repeat when it has seen a later one of
   * the same source.
   */
  mailInOrder(): OutgoingMail[] {
    const before = (a: MailOrigin, b: MailOrigin): number =>
      INPUT_TOPICS.indexOf(a.topic) - INPUT_TOPICS.indexOf(b.topic) ||
      a.offset - b.offset ||
      a.index - b.index;
    return this.mailed.sort((a, b) => before(a.origin, b.origin)).map(({ mail }) => mail);
  }
}
