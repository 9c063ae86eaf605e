/**
 * Step 6 of the lane for the customers of a batch: fold their inputs, cut at every tick, and take the evaluations
 * that the models are asked for.
 */
import type { CustomerMail, EpochMs } from '../../schemas';
import {
  CATALOGUE,
  asOfOf,
  decodeCustomer,
  evaluate,
  fold,
  isErasedMarker,
  isHeld,
  isStaleSince,
  newCustomer,
} from '../core';
import type { CoreSettings, Customer, CustomerInput, Effect, Evaluation, TopicClocks } from '../core';
import type { EventLog, OutgoingMail, OutgoingMessage, WireCodec } from '../ports';
import { alertKey } from './messages';
import type { MessageWriter } from './messages';
import type { LaneMetrics } from './metrics';

const WIDTH = CATALOGUE.length;

/** Vectors of a batch, row after row, in memory that is used again for the next one. */
export class VectorRows {
  rows = 0;
  cells = new Float32Array(256 * WIDTH);

  /** Place of a new row. */
  open(): number {
    const at = this.rows++ * WIDTH;
    if (at + WIDTH > this.cells.length) {
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

export interface EvaluationRow {
  evaluation: Evaluation;
  row: number;
}

/** One customer of a batch, after its inputs. */
export interface CustomerResult {
  customer: Customer;
  evaluations: EvaluationRow[];
  messages: OutgoingMessage[];
  /** Nothing is left of the customer. */
  removed: boolean;
}

export interface FoldTools {
  partition: number;
  log: EventLog;
  codec: WireCodec;
  writer: MessageWriter;
  settings: CoreSettings;
  metrics: LaneMetrics;
  clocks: TopicClocks;
  vectors: VectorRows;
  mail: OutgoingMail[];
}

/** @throws CorruptStateError when the stored bytes are damaged: the lane stops, nothing is overwritten. */
export function foldCustomer(
  id: string,
  stored: Uint8Array | null,
  inputs: readonly CustomerInput[],
  tools: FoldTools,
): CustomerResult {
  const started = performance.now();
  const customer = stored === null ? newCustomer(id) : decodeCustomer(id, stored);
  tools.metrics.stageMs.codec += performance.now() - started;
  const result: CustomerResult = { customer, evaluations: [], messages: [], removed: false };
  const progress = { dirty: false, evaluatedAt: customer.ledger.newest?.asOf ?? -Infinity };
  for (const input of inputs) foldOne(result, input, progress, tools);
  if (progress.dirty) take(result, 'event', progress, tools);
  result.removed = !isHeld(customer) && !isErasedMarker(customer.facts);
  return result;
}

interface Progress {
  /** Something was applied since the last evaluation. */
  dirty: boolean;
  evaluatedAt: EpochMs;
}

function foldOne(result: CustomerResult, input: CustomerInput, progress: Progress, tools: FoldTools): void {
  const { customer } = result;
  const { metrics, settings } = tools;
  const effects: Effect[] = [];
  const outcome = fold(customer, input, tools.clocks, settings, effects);
  metrics.outcomes[outcome.kind]++;
  if (input.kind === 'tick') metrics.ticks++;
  if ('clockAhead' in input && input.clockAhead) metrics.clockAhead++;
  let mails = 0;
  for (const effect of effects) {
    if (effect.kind === 'mail') tools.mail.push(mailOf(effect, input, mails++, tools));
    else carryOut(effect, result, input, progress, tools);
  }
  if (outcome.kind === 'duplicate' || outcome.kind === 'ignored' || !isHeld(customer)) return;
  if (input.kind === 'rescore') take(result, input.cause, progress, tools);
  else if (input.kind !== 'tick') progress.dirty = true;
  else if (progress.dirty || isStaleSince(customer, progress.evaluatedAt, asOfOf(customer), settings))
    take(result, 'tick', progress, tools);
}

function take(
  result: CustomerResult,
  cause: Evaluation['cause'],
  progress: Progress,
  tools: FoldTools,
): void {
  const { customer } = result;
  const started = performance.now();
  const row = tools.vectors.rows;
  const at = tools.vectors.open();
  const asOf = asOfOf(customer);
  const evaluation = evaluate(customer, asOf, cause, tools.vectors.cells, at);
  result.evaluations.push({ evaluation, row });
  progress.dirty = false;
  progress.evaluatedAt = asOf;
  tools.metrics.stageMs.vector += performance.now() - started;
}

function carryOut(
  effect: Exclude<Effect, { kind: 'mail' }>,
  result: CustomerResult,
  input: CustomerInput,
  progress: Progress,
  { writer, metrics }: FoldTools,
): void {
  switch (effect.kind) {
    case 'session':
      metrics.sessions++;
      result.messages.push(writer.session(effect.session));
      return;
    case 'late': {
      metrics.lateEvents++;
      const { kind: _kind, ...event } = effect;
      const { topic, partition, offset } = input.source;
      const source = { topic, partition, offset };
      result.messages.push(
        writer.late({ customerId: result.customer.id, recordAt: input.recordAt, source, ...event }),
      );
      return;
    }
    case 'erased':
    case 'dropped':
      metrics[effect.kind]++;
      // Nothing from before may leave any more, not even what this batch was about to say.
      result.evaluations = [];
      result.messages = tombstones(result.customer.id, `rescore.${effect.kind}`, effect.at, writer);
      progress.dirty = false;
      progress.evaluatedAt = -Infinity;
  }
}

const tombstones = (id: string, type: string, at: EpochMs, writer: MessageWriter): OutgoingMessage[] => [
  writer.tombstone('engagement-scores', id, id, type, at),
  ...['churnRisk', 'inactive', 'engagementDrop', 'vipAtRisk'].map(kind =>
    writer.tombstone('engagement-alerts', alertKey(id, kind), id, type, at),
  ),
];

/** The mail's identity is the record of this lane that caused it. */
function mailOf(
  effect: Extract<Effect, { kind: 'mail' }>,
  input: CustomerInput,
  index: number,
  tools: FoldTools,
): OutgoingMail {
  tools.metrics.mails++;
  const { topic, partition, offset } = input.source;
  const { name, eventAt, ratingHundredths } = effect;
  const mail: CustomerMail = {
    customerId: effect.to,
    origin: { topic, partition, offset, index, recordAt: input.recordAt },
    interaction: { name, eventAt, ratingHundredths },
    forwarded: null,
  };
  return {
    to: effect.to,
    partition: tools.log.partitionOf(effect.to),
    recordAt: input.recordAt,
    value: tools.codec.encodeInput('customer-mail', mail),
  };
}
