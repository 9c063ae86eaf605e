/**
 * Step 6 of the lane, first half: fold the inputs in the order of the merge, cut at every tick and rescore command,
 * and take the evaluations that the models are asked for.
 */
import type { Positions } from '../../schemas';
import { asOfOf, evaluate, fold, isErasedMarker, isHeld, isStaleSince } from '../core';
import type { CoreSettings, CustomerInput, Effect, Evaluation } from '../core';
import type { EventLog, WireCodec } from '../ports';
import type { Draft, Touched, VectorRows } from './draft';
import type { MessageWriter } from './messages';
import { offsetsOf } from './positions';
import type { MutablePositions } from './positions';
import { mailOriginOf } from './reading';

export interface AdvanceTools {
  log: EventLog;
  codec: WireCodec;
  writer: MessageWriter;
  settings: CoreSettings;
  vectors: VectorRows;
  /** Microseconds spent on vectors while folding. */
  onVector: (micros: number) => void;
}

/** Folds everything; leaves customers whose last evaluation is behind marked as dirty. */
export function foldInputs(draft: Draft, tools: AdvanceTools): void {
  const { inputs, touchedBy, clocks, counts } = draft;
  const { outcomes } = counts;
  const effects: Effect[] = [];
  const position = offsetsOf(draft.from);
  for (let at = 0; at < inputs.length; at++) {
    const input = inputs[at]!;
    const touched = touchedBy[at]!;
    const { topic, offset } = input.source;
    if (input.recordAt > clocks[topic]) clocks[topic] = input.recordAt;
    position[topic] = offset + 1;
    effects.length = 0;
    const outcome = fold(touched.customer, input, clocks, tools.settings, effects);
    outcomes[outcome.kind]++;
    if (input.kind === 'tick') counts.ticks++;
    else if ('clockAhead' in input && input.clockAhead) counts.clockAhead++;
    if (effects.length > 0) carryOut(effects, touched, input, draft, tools);
    if (outcome.kind === 'duplicate' || outcome.kind === 'ignored') continue;
    touched.changed = true;
    if (isHeld(touched.customer)) cut(touched, input, position, tools);
  }
}

/** Ticks and commands are evaluated at their own as-of; anything else waits for the next cut or the batch's end. */
function cut(touched: Touched, input: CustomerInput, position: MutablePositions, tools: AdvanceTools): void {
  if (input.kind === 'rescore') take(touched, input.cause, position, tools);
  else if (input.kind !== 'tick') touched.dirty = true;
  else if (touched.dirty || isStale(touched, tools.settings)) take(touched, 'tick', position, tools);
}

/** Ticks that only close a session, or come twice, need no models. */
const isStale = ({ customer, evaluatedAt }: Touched, settings: CoreSettings): boolean =>
  evaluatedAt === -Infinity || isStaleSince(customer, evaluatedAt, asOfOf(customer), settings);

/** Asks the models for the customer as it is now. `position` null: at the batch's end. */
export function take(
  touched: Touched,
  cause: Evaluation['cause'],
  position: Positions | null,
  { vectors, onVector }: Pick<AdvanceTools, 'vectors' | 'onVector'>,
): void {
  const started = position === null ? 0 : performance.now();
  const { customer } = touched;
  const asOf = asOfOf(customer);
  const row = vectors.rows;
  const at = vectors.open();
  const evaluation = evaluate(customer, asOf, cause, vectors.cells, at);
  touched.evaluations.push({ evaluation, row, position: position && offsetsOf(position) });
  touched.dirty = false;
  touched.evaluatedAt = asOf;
  if (position !== null) onVector((performance.now() - started) * 1_000);
}

/** Each customer that changed since its last evaluation is evaluated once at the batch's end. */
export function evaluateRest(draft: Draft, tools: AdvanceTools): void {
  for (const touched of draft.customers.values())
    if (touched.dirty && isHeld(touched.customer)) take(touched, 'event', null, tools);
}

/** Nothing is left of the customer, not even the marker of an erasure. */
export const isGone = ({ customer }: Touched): boolean =>
  !isHeld(customer) && !isErasedMarker(customer.facts);

function carryOut(
  effects: readonly Effect[],
  touched: Touched,
  input: CustomerInput,
  draft: Draft,
  tools: AdvanceTools,
): void {
  let mails = 0;
  for (const effect of effects) {
    if (effect.kind === 'mail') sendMail(effect, input, mails++, draft, tools);
    else say(effect, touched, input, draft, tools.writer);
  }
}

function say(
  effect: Exclude<Effect, { kind: 'mail' }>,
  touched: Touched,
  input: CustomerInput,
  { counts }: Draft,
  writer: MessageWriter,
): void {
  switch (effect.kind) {
    case 'session':
      counts.sessions++;
      touched.messages.push(writer.session(effect.session, effect.session.endAt));
      return;
    case 'late': {
      counts.lateEvents++;
      const { kind: _kind, ...event } = effect;
      const { topic, partition, offset } = input.source;
      const source = { topic, partition, offset };
      const { recordAt } = input;
      touched.messages.push(writer.late({ customerId: touched.id, recordAt, source, ...event }));
      return;
    }
    case 'erased':
    case 'dropped':
      counts[effect.kind]++;
      // Nothing from before may leave any more, not even what this batch was about to say.
      touched.evaluations = [];
      touched.messages = [];
      touched.tombstones = writer.tombstonesOf(touched.id, `rescore.${effect.kind}`, effect.at);
      touched.dirty = false;
      touched.evaluatedAt = -Infinity;
  }
}

function sendMail(
  { to, name, eventAt, ratingHundredths }: Extract<Effect, { kind: 'mail' }>,
  input: CustomerInput,
  index: number,
  draft: Draft,
  { log, codec }: AdvanceTools,
): void {
  const origin = mailOriginOf(input, index);
  const interaction = { name, eventAt, ratingHundredths };
  const body = codec.encodeInput('customer-mail', { customerId: to, origin, interaction, forwarded: null });
  draft.counts.mails++;
  draft.addMail(origin, { to, partition: log.partitionOf(to), recordAt: input.recordAt, value: body });
}
