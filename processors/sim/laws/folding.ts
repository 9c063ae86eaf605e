/** Ways to fold a history: what the laws compare. */
import type * as CoreModule from '../../core';
import type { EpochMs, InputTopic } from '../../../schemas';
import { INPUT_TOPICS } from '../../../schemas';
import type { Customer, CustomerInput, Effect, Outcome } from '../../core';
import type { Question } from '../oracle';

/** What the laws use of the core; planted mutants have the same shape. */
export type Core = Pick<
  typeof CoreModule,
  | 'DEFAULT_SETTINGS'
  | 'FEATURE_NAMES'
  | 'decodeCustomer'
  | 'encodeCustomer'
  | 'evaluate'
  | 'fold'
  | 'hash64'
  | 'newCustomer'
  | 'nextWake'
  | 'normalForm'
  | 'rfmScore'
  | 'segmentOf'
  | 'statusOf'
  | 'toVector'
  | 'validUntil'
>;

type Clocks = Record<InputTopic, EpochMs>;

/** A session that a tick published, and when. */
export type PublishedSession = Extract<Effect, { kind: 'session' }>['session'] & { publishedAt: EpochMs };

export interface Folded {
  customer: Customer;
  clocks: Clocks;
  outcomes: Outcome[];
  sessions: PublishedSession[];
}

interface Way {
  /** After which inputs the customer is stored and loaded again. */
  cuts?: readonly boolean[];
  /** Ticks at their due instants, and after the last input until then. */
  ticksUntil?: EpochMs;
  /** A tick at this instant, after the first input: time ran ahead of the inputs. */
  aheadAt?: EpochMs;
}

export function foldAll(core: Core, inputs: readonly CustomerInput[], way: Way = {}): Folded {
  const { cuts = [], ticksUntil, aheadAt } = way;
  const clocks = Object.fromEntries(INPUT_TOPICS.map(topic => [topic, 0])) as Clocks;
  const folded: Folded = { customer: core.newCustomer('c1'), clocks, outcomes: [], sessions: [] };
  inputs.forEach((input, index) => {
    if (ticksUntil !== undefined) tickThrough(core, folded, input.recordAt);
    const { topic } = input.source;
    clocks[topic] = Math.max(clocks[topic], input.recordAt);
    folded.outcomes.push(core.fold(folded.customer, input, clocks, core.DEFAULT_SETTINGS, []));
    if (index === 0 && aheadAt !== undefined) tick(core, folded, aheadAt, aheadAt);
    if (cuts[index % (cuts.length + 1)] === true)
      folded.customer = core.decodeCustomer('c1', core.encodeCustomer(folded.customer));
  });
  if (ticksUntil !== undefined) tickThrough(core, folded, ticksUntil);
  return folded;
}

/** More than come due between any two inputs of a history. */
const MOST_TICKS = 2_000;

function tickThrough(core: Core, folded: Folded, until: EpochMs): void {
  for (let left = MOST_TICKS; left > 0; left--) {
    const dueAt = core.nextWake(folded.customer, core.DEFAULT_SETTINGS);
    const recordAt = Math.max(dueAt, folded.customer.facts.clock);
    if (!(recordAt < until)) return;
    tick(core, folded, dueAt, recordAt);
  }
  throw new Error('The wake does not move on: a tick leaves itself due.');
}

function tick(core: Core, { customer, clocks, sessions }: Folded, dueAt: EpochMs, recordAt: EpochMs): void {
  const source = { topic: 'customer-commands' as const, partition: 0, offset: 0, index: 0 };
  const effects: Effect[] = [];
  core.fold(
    customer,
    { kind: 'tick', customerId: 'c1', recordAt, dueAt, source, mailedFrom: null },
    clocks,
    core.DEFAULT_SETTINGS,
    effects,
  );
  for (const effect of effects)
    if (effect.kind === 'session') sessions.push({ ...effect.session, publishedAt: recordAt });
}

export const bytesOf = (vector: Float32Array): string => Buffer.from(vector.buffer).toString('hex');

export const hashOf =
  (core: Core): Question['hashOf'] =>
  id => {
    const { hi, lo } = core.hash64(id);
    return [hi, lo];
  };
