/**
 * The laws of docs/features.md as one function: null when they hold for a history, else the law that was broken.
 * It takes the core as an argument, so that planted mutants of the core can be put through it too.
 */
import type * as CoreModule from '../../core';
import type { EpochMs, InputTopic } from '../../../schemas';
import { DAY_MS, INPUT_TOPICS } from '../../../schemas';
import type { Customer, CustomerInput, Effect } from '../../core';
import { OracleHistory, ask, oracleValidUntil, oracleVector, withoutCopies } from '../oracle';
import type { History } from './histories';

export type Core = Pick<
  typeof CoreModule,
  | 'DEFAULT_SETTINGS'
  | 'FEATURE_NAMES'
  | 'SPAN'
  | 'decodeCustomer'
  | 'encodeCustomer'
  | 'fold'
  | 'hash64'
  | 'newCustomer'
  | 'nextWake'
  | 'normalForm'
  | 'toVector'
  | 'validUntil'
>;

type Clocks = Record<InputTopic, EpochMs>;
const noClocks = (): Clocks => Object.fromEntries(INPUT_TOPICS.map(topic => [topic, 0])) as Clocks;

interface Folded {
  customer: Customer;
  clocks: Clocks;
  effects: Effect[];
}

interface Way {
  /** After which inputs the customer is stored and loaded again. */
  cuts?: readonly boolean[];
  /** Ticks at every midnight that is passed. */
  ticks?: boolean;
}

function foldAll(
  core: Core,
  inputs: readonly CustomerInput[],
  { cuts = [], ticks = false }: Way = {},
): Folded {
  let customer = core.newCustomer('c1');
  const clocks = noClocks();
  const effects: Effect[] = [];
  inputs.forEach((input, index) => {
    if (ticks) tickThrough(core, customer, input.recordAt, clocks, effects);
    const { topic } = input.source;
    clocks[topic] = Math.max(clocks[topic], input.recordAt);
    core.fold(customer, input, clocks, core.DEFAULT_SETTINGS, effects);
    if (cuts[index] === true) customer = core.decodeCustomer('c1', core.encodeCustomer(customer));
  });
  return { customer, clocks, effects };
}

/** At most a few: what comes due between two inputs. */
function tickThrough(
  core: Core,
  customer: Customer,
  until: EpochMs,
  clocks: Clocks,
  effects: Effect[],
): void {
  for (let left = 12; left > 0; left--) {
    const dueAt = core.nextWake(customer, core.DEFAULT_SETTINGS);
    if (!(dueAt < until)) return;
    const source = { topic: 'customer-commands' as const, partition: 0, offset: 0, index: 0 };
    const recordAt = Math.max(dueAt, customer.facts.clock);
    if (recordAt >= until) return;
    core.fold(
      customer,
      { kind: 'tick', customerId: 'c1', recordAt, dueAt, source, mailedFrom: null },
      clocks,
      core.DEFAULT_SETTINGS,
      effects,
    );
  }
}

const bytesOf = (vector: Float32Array): string => Buffer.from(vector.buffer).toString('hex');

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

export function brokenLaw(core: Core, history: History): string | null {
  const { inputs, asOf, order } = history;
  const straight = foldAll(core, inputs);
  const expected = bytesOf(core.toVector(straight.customer.facts, asOf));
  const ways: [string, Folded][] = [
    [
      '(a) any order of processing',
      foldAll(
        core,
        order.map(index => inputs[index]!),
      ),
    ],
    ['(c) any batching', foldAll(core, inputs, { cuts: history.cuts })],
    ['ticks change nothing', foldAll(core, inputs, { ticks: true })],
  ];
  const form = core.normalForm(straight.customer.facts, asOf, straight.clocks);
  for (const [law, { customer }] of ways) {
    if (bytesOf(core.toVector(customer.facts, asOf)) !== expected) return `${law}: the vector differs`;
    if (core.normalForm(customer.facts, asOf, straight.clocks) !== form) return `${law}: the facts differ`;
  }
  return (
    oracleLaw(core, history, straight) ??
    copiesLaw(core, history) ??
    validityLaw(core, history, straight.customer, expected) ??
    sessionLaw(core, history, straight.customer) ??
    codecLaw(core, straight.customer)
  );
}

const hashOf =
  (core: Core) =>
  (id: string): readonly [number, number] => {
    const { hi, lo } = core.hash64(id);
    return [hi, lo];
  };

function oracleLaw(core: Core, { inputs, asOf }: History, { customer }: Folded): string | null {
  const oracle = oracleVector(core.FEATURE_NAMES, ask(inputs, asOf, hashOf(core)));
  const vector = core.toVector(customer.facts, asOf);
  const at = core.FEATURE_NAMES.findIndex((_, index) => !Object.is(vector[index], oracle[index]));
  if (at < 0) return null;
  return `(d) the oracle: ${core.FEATURE_NAMES[at]} is ${vector[at]}, the oracle says ${oracle[at]}`;
}

/** (b): with copies, for any interleaving that keeps each topic's order. */
function copiesLaw(core: Core, history: History): string | null {
  const inputs = withCopies(history);
  const asOf = inputs.reduce((latest, { recordAt }) => Math.max(latest, recordAt), history.asOf);
  const oracle = bytesOf(oracleVector(core.FEATURE_NAMES, ask(inputs, asOf, hashOf(core))));
  for (const [way, ordered] of [
    ['by time', inputs],
    ['topic by topic', topicByTopic(inputs)],
  ] as const) {
    const { customer } = foldAll(core, ordered, { cuts: history.cuts });
    if (bytesOf(core.toVector(customer.facts, asOf)) !== oracle) return `(b) copies, ${way}`;
  }
  return null;
}

/** The vector stays the same bytes until `validUntil`, and that is the first instant at which it may not. */
function validityLaw(
  core: Core,
  { inputs, asOf }: History,
  customer: Customer,
  expected: string,
): string | null {
  const until = core.validUntil(customer.facts, asOf);
  if (until <= asOf) return 'validUntil lies in the past';
  const question = ask(inputs, asOf, hashOf(core));
  const exact = oracleValidUntil(question);
  if (until !== exact) return `validUntil is ${until}, looking at every midnight finds ${exact}`;
  const last = Math.min(until - 1, asOf + 40 * DAY_MS);
  const looks = until === Infinity ? [last] : [last, until - 1];
  for (let midnight = Math.ceil((asOf + 1) / DAY_MS) * DAY_MS; midnight < last; midnight += DAY_MS)
    looks.push(midnight);
  for (const at of looks)
    if (bytesOf(core.toVector(customer.facts, at)) !== expected)
      return `the vector changed before validUntil, at ${at}`;
  return null;
}

/** Spans of the last 34 days are the sessions that the gap makes of all own events. */
function sessionLaw(core: Core, { inputs, asOf }: History, { facts }: Customer): string | null {
  const from = asOf - 33 * DAY_MS;
  const spans = facts.sessions
    .toRows()
    .map(row => ({ start: row[core.SPAN.start]!, end: row[core.SPAN.end]!, events: row[core.SPAN.events]! }))
    .filter(({ start }) => start >= from);
  const sessions = new OracleHistory(withoutCopies(inputs)).sessions.filter(({ start }) => start >= from);
  return JSON.stringify(spans) === JSON.stringify(sessions) ? null : 'sessions are not those of the gap law';
}

function codecLaw(core: Core, customer: Customer): string | null {
  const bytes = core.encodeCustomer(customer);
  const again = core.encodeCustomer(core.decodeCustomer('c1', bytes));
  return Buffer.from(bytes).equals(Buffer.from(again))
    ? null
    : 'the stored value changes when it is read and written';
}
