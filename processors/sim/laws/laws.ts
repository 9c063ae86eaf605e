/**
 * The laws of docs/features.md as one function: null when they hold for a history, else the law that was broken.
 * It takes the core as an argument, so that planted mutants of the core can be put through it too.
 */
import type { EpochMs } from '../../../schemas';
import { DAY_MS, INPUT_TOPICS } from '../../../schemas';
import type { Customer, CustomerInput } from '../../core';
import { ask, oracleEvaluation, oracleVector, withoutCopies } from '../oracle';
import type { Question } from '../oracle';
import { evaluationLaw } from './evaluation-law';
import { bytesOf, foldAll, hashOf } from './folding';
import type { Core, Folded } from './folding';
import type { History } from './histories';
import { horizonLaw, outcomeLaw } from './kept-laws';
import { publishedSessionsLaw, sessionLaw } from './session-laws';

export function brokenLaw(core: Core, history: History): string | null {
  const { inputs, asOf } = history;
  const straight = foldAll(core, inputs);
  const question = ask(inputs, asOf, hashOf(core));
  const expected = oracleVector(core.FEATURE_NAMES, question);
  const evaluation = oracleEvaluation(question);
  return (
    orderLaw(core, history, straight) ??
    oracleLaw(core, expected, straight.customer, asOf) ??
    copiesLaw(core, history) ??
    validityLaw(core, question, straight.customer, evaluation.validUntil) ??
    evaluationLaw(core, evaluation, expected, straight.customer) ??
    sessionLaw(history, straight.customer) ??
    publishedSessionsLaw(core, history) ??
    horizonLaw(inputs, straight) ??
    codecLaw(core, straight.customer)
  );
}

/** (a), (c), and that ticks change no facts. */
function orderLaw(core: Core, { inputs, asOf, order, cuts }: History, straight: Folded): string | null {
  const reordered = order.map(index => inputs[index]!);
  const ways: [string, Folded][] = [
    ['(a) any order of processing', foldAll(core, reordered)],
    ['(a) any order, with time ahead of the inputs', foldAll(core, reordered, { aheadAt: asOf })],
    ['(c) any batching', foldAll(core, inputs, { cuts })],
    ['(a) and (c)', foldAll(core, [...inputs].reverse(), { cuts })],
    ['ticks change nothing', foldAll(core, inputs, { cuts, ticksUntil: asOf })],
  ];
  const vector = bytesOf(core.toVector(straight.customer.facts, asOf));
  const form = core.normalForm(straight.customer.facts, asOf, straight.clocks);
  for (const [law, { customer }] of ways) {
    if (customer.facts.clock < straight.customer.facts.clock) return `${law}: the clock went back`;
    if (bytesOf(core.toVector(customer.facts, asOf)) !== vector) return `${law}: the vector differs`;
    if (core.normalForm(customer.facts, asOf, straight.clocks) !== form) return `${law}: the facts differ`;
  }
  return null;
}

/** (d), feature by feature, so that a failure names one. */
function oracleLaw(core: Core, expected: Float32Array, { facts }: Customer, asOf: EpochMs): string | null {
  const vector = core.toVector(facts, asOf);
  const at = core.FEATURE_NAMES.findIndex((_, index) => !Object.is(vector[index], expected[index]));
  if (at >= 0)
    return `(d) the oracle: ${core.FEATURE_NAMES[at]} is ${vector[at]}, the oracle says ${expected[at]}`;
  return bytesOf(vector) === bytesOf(expected) ? null : '(d) the oracle: the bits of a NaN or a zero differ';
}

/** (b): with copies, for any interleaving that keeps each topic's order. */
function copiesLaw(core: Core, history: History): string | null {
  const inputs = withCopies(history);
  const asOf = inputs.reduce((latest, { recordAt }) => Math.max(latest, recordAt), history.asOf);
  const vector = bytesOf(oracleVector(core.FEATURE_NAMES, ask(inputs, asOf, hashOf(core))));
  const byTime = foldAll(core, inputs);
  const form = core.normalForm(byTime.customer.facts, asOf, byTime.clocks);
  const copies = byTime.outcomes.filter(({ kind }) => kind === 'duplicate').length;
  if (copies !== inputs.length - withoutCopies(inputs).length) return `(b) ${copies} copies were found`;
  const ways: [string, Folded][] = [
    ['by time', byTime],
    ['topic by topic', foldAll(core, topicByTopic(inputs), { cuts: history.cuts })],
    ['any interleaving', foldAll(core, interleaved(inputs, history.order))],
  ];
  for (const [way, { customer }] of ways) {
    if (bytesOf(core.toVector(customer.facts, asOf)) !== vector) return `(b) copies, ${way}: the vector`;
    if (core.normalForm(customer.facts, asOf, byTime.clocks) !== form) return `(b) copies, ${way}: the facts`;
  }
  return outcomeLaw(inputs, byTime);
}

/** Copies put in their place in the order of record timestamps. */
function withCopies({ inputs, copies }: History): CustomerInput[] {
  const added = copies.flatMap(({ of, afterMs }) => {
    const original = inputs[of]!;
    const isMessage =
      original.kind === 'activity' || original.kind === 'order' || original.kind === 'profile';
    return isMessage ? [{ ...original, recordAt: original.recordAt + afterMs }] : [];
  });
  return [...inputs, ...added].sort((a, b) => a.recordAt - b.recordAt);
}

/** Topic after topic, each in its own order: the furthest that topics can drift apart. */
const topicByTopic = (inputs: readonly CustomerInput[]): CustomerInput[] =>
  [...INPUT_TOPICS].reverse().flatMap(topic => inputs.filter(({ source }) => source.topic === topic));

/** Topics take turns as a shuffled history says; each keeps its own order. */
function interleaved(inputs: readonly CustomerInput[], order: readonly number[]): CustomerInput[] {
  const turns = order.map(index => inputs[index]!.source.topic);
  const waiting = new Map(
    INPUT_TOPICS.map(topic => [topic, inputs.filter(({ source }) => source.topic === topic)]),
  );
  const taken = turns.map(topic => waiting.get(topic)!.shift()!);
  return [...taken, ...[...waiting.values()].flat()];
}

/** The vector stays the same bytes until `validUntil`, and that is the first instant at which it may not. */
function validityLaw(core: Core, question: Question, { facts }: Customer, exact: EpochMs): string | null {
  const { asOf } = question;
  const until = core.validUntil(facts, asOf);
  if (until <= asOf) return 'validUntil lies in the past';
  if (until !== exact) return `validUntil is ${until}, looking at every midnight finds ${exact}`;
  const now = bytesOf(core.toVector(facts, asOf));
  for (const at of instantsUntil(asOf, until))
    if (bytesOf(core.toVector(facts, at)) !== now) return `the vector changed before validUntil, at ${at}`;
  const last = until === Infinity ? asOf + 4_000 * DAY_MS : until - 1;
  const naive = bytesOf(oracleVector(core.FEATURE_NAMES, { ...question, asOf: last }));
  return naive === now ? null : 'the naive vector changed before validUntil';
}

/** Every midnight, the last instant before the end, and when there is no end, years. */
function instantsUntil(asOf: EpochMs, until: EpochMs): EpochMs[] {
  const last = Math.min(until - 1, asOf + 40 * DAY_MS);
  const instants = until === Infinity ? [last, asOf + 4_000 * DAY_MS] : [last, until - 1];
  for (let midnight = Math.ceil((asOf + 1) / DAY_MS) * DAY_MS; midnight < last; midnight += DAY_MS)
    instants.push(midnight);
  return instants;
}

function codecLaw(core: Core, customer: Customer): string | null {
  const bytes = core.encodeCustomer(customer);
  const again = core.encodeCustomer(core.decodeCustomer('c1', bytes));
  return Buffer.from(bytes).equals(Buffer.from(again))
    ? null
    : 'the stored value changes when it is read and written';
}
