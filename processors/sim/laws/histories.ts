/**
 * Histories of one customer for the laws: a broad generator; one that aims at edges (windows, horizons, midnights,
 * ages where a step widens, ties at one instant, copies at 48 hours ± 1 ms); and one that crowds into a few evenings
 * (the gap ± 1 ms, sessions that unite, sessions of days).
 *
 * A history has a lens: many look at a few kinds of inputs and a few names only, because a rule that shows when one
 * thing happens often and nothing else does (a clip, a window that no other thing shares) is else never reached.
 */
import fc from 'fast-check';
import type { EpochMs } from '../../../schemas';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../schemas';
import type { CustomerInput } from '../../core';
import { KINDS, PLACE, inputsOf } from './happenings';
import type { Happening } from './happenings';

export interface History {
  /** Distinct inputs, in the order of their record timestamps. */
  inputs: CustomerInput[];
  /** At or after the newest of them. */
  asOf: EpochMs;
  /** Another order of processing. */
  order: number[];
  /** After which inputs the customer is stored and loaded again. */
  cuts: boolean[];
  /** Copies of some inputs, up to 48 hours later. */
  copies: { of: number; afterMs: number }[];
}

/** Where every history ends, about: a Sunday, so that weekends are inside, and the day after a short month. */
const END = Date.UTC(2026, 2, 1, 13, 20);
const COPY_MS = 48 * HOUR_MS;

interface Lens {
  kinds: readonly Happening['kind'][];
  /** How many names there are, and where they begin. */
  names: number;
  firstName: number;
  /** Nothing is heard of later than this. */
  latestMs: number;
}

const wideLens: fc.Arbitrary<Lens> = fc.record({
  kinds: fc.oneof(
    { weight: 3, arbitrary: fc.constant(['activity', 'activity', ...KINDS] as const) },
    { weight: 2, arbitrary: fc.subarray([...KINDS], { minLength: 1, maxLength: 2 }) },
    { weight: 1, arbitrary: fc.constantFrom(['activity'], ['order'], ['received']) },
  ) as fc.Arbitrary<Lens['kinds']>,
  names: fc.constantFrom(1, 2, 3, 18, 18, 18),
  firstName: fc.nat(17),
  // Up to two days of delay a session is published again, so half of the histories stay within.
  latestMs: fc.constantFrom(2 * DAY_MS, Infinity),
});

const SHOWS_TOGETHER: Lens[] = [
  { kinds: ['activity', 'received'], names: 1, firstName: PLACE.applications, latestMs: Infinity },
  { kinds: ['received'], names: 2, firstName: PLACE.shares, latestMs: Infinity },
  { kinds: ['received'], names: 1, firstName: PLACE.ratings, latestMs: Infinity },
  { kinds: ['order'], names: 5, firstName: 0, latestMs: Infinity },
];

const anyLens = fc.oneof(
  { weight: 6, arbitrary: wideLens },
  { weight: 1, arbitrary: fc.constantFrom(...SHOWS_TOGETHER) },
);

interface Shape {
  seen: Lens;
  happenings: (Omit<Happening, 'kind'> & { what: number })[];
  laterMs: number;
  order: number;
  cuts: boolean[];
  copies: { of: number; afterMs: number }[];
  echoes: { of: number; afterMs: number }[];
}

function historyOf({ seen, happenings, laterMs, order, cuts, copies, echoes }: Shape): History {
  const once = inputsOf(
    happenings.map(({ what, ...happening }) => ({
      ...happening,
      kind: seen.kinds[what % seen.kinds.length]!,
      name: seen.firstName + (happening.name % seen.names),
      delayMs: Math.min(happening.delayMs, seen.latestMs),
    })),
  );
  const inputs = [...once, ...echoesOf(once, echoes)].sort(
    (a, b) => a.recordAt - b.recordAt || a.source.offset - b.source.offset,
  );
  const newest = inputs.reduce((latest, { recordAt }) => Math.max(latest, recordAt), 0);
  return {
    inputs,
    asOf: newest + laterMs,
    order: shuffled(inputs.length, order),
    cuts,
    copies: copies.map(copy => ({ ...copy, of: copy.of % inputs.length })),
  };
}

/** The same message again, more than 48 hours later: nobody remembers it, so it counts once more. */
function echoesOf(inputs: readonly CustomerInput[], echoes: Shape['echoes']): CustomerInput[] {
  const added = new Map<number, CustomerInput>();
  echoes.forEach(({ of, afterMs }, number) => {
    const original = inputs[of % inputs.length]!;
    const { recordAt, source } = original;
    added.set(of % inputs.length, {
      ...original,
      recordAt: recordAt + COPY_MS + afterMs,
      source: { ...source, offset: inputs.length + number },
    });
  });
  return [...added.values()];
}

/** A permutation from a number: every order of a few inputs comes up. */
function shuffled(length: number, from: number): number[] {
  const order = Array.from({ length }, (_, index) => index);
  let state = from >>> 0;
  for (let at = length - 1; at > 0; at--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (at + 1));
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
}

interface Aim {
  seen: fc.Arbitrary<Lens>;
  at: fc.Arbitrary<EpochMs>;
  delayMs: fc.Arbitrary<number>;
  /** Of what happens several times. */
  stepMs: fc.Arbitrary<number>;
  laterMs: fc.Arbitrary<number>;
  copiedAfterMs: fc.Arbitrary<number>;
  echoedAfterMs: fc.Arbitrary<number>;
  /** How often something happens. */
  times: fc.Arbitrary<number>;
}

const shape = (arbitrary: Aim): fc.Arbitrary<History> =>
  fc
    .record({
      seen: arbitrary.seen,
      happenings: fc.array(
        fc.record({
          at: arbitrary.at,
          what: fc.nat(20),
          name: fc.nat(200),
          variant: fc.nat(400),
          delayMs: arbitrary.delayMs,
          times: arbitrary.times,
          stepMs: arbitrary.stepMs,
        }),
        { minLength: 1, maxLength: 12 },
      ),
      laterMs: arbitrary.laterMs,
      order: fc.nat(),
      cuts: fc.array(fc.boolean(), { maxLength: 22 }),
      copies: fc.array(fc.record({ of: fc.nat(60), afterMs: arbitrary.copiedAfterMs }), { maxLength: 4 }),
      echoes: fc.array(fc.record({ of: fc.nat(60), afterMs: arbitrary.echoedAfterMs }), { maxLength: 3 }),
    })
    .map(historyOf);

export const broadHistory: fc.Arbitrary<History> = shape({
  seen: anyLens,
  at: fc.integer({ min: END - 120 * DAY_MS, max: END }),
  delayMs: fc.oneof(fc.constant(0), fc.nat(5 * MINUTE_MS), fc.nat(3 * DAY_MS), fc.nat(100 * DAY_MS)),
  stepMs: fc.nat(40 * MINUTE_MS),
  laterMs: fc.oneof(fc.constant(0), fc.nat(2 * DAY_MS), fc.nat(130 * DAY_MS)),
  copiedAfterMs: fc.nat(COPY_MS),
  echoedAfterMs: fc.integer({ min: 1, max: 10 * DAY_MS }),
  times: fc.oneof(
    { weight: 6, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: 8 }) },
  ),
});

const EDGE_DAYS = [
  0, 1, 2, 6, 7, 8, 9, 29, 30, 31, 32, 34, 35, 36, 37, 38, 89, 90, 91, 92, 93, 94, 181, 182, 188, 189, 195,
  363, 364, 365, 366, 367, 370, 371, 377, 378, 395, 396, 1_459, 1_460, 1_461, 1_462,
];
const EDGE_MS = [-1, 0, 1];
const MIDNIGHT = Math.floor(END / DAY_MS) * DAY_MS;
const GAP_MS = 30 * MINUTE_MS;
/** Steps of a chain of events: sessions that just hold together, and ones that just do not. */
const CHAIN_MS = [GAP_MS - 1, GAP_MS, GAP_MS + 1, 2 * GAP_MS, 2 * GAP_MS + 1];

const edgeInstant: fc.Arbitrary<EpochMs> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...EDGE_DAYS), fc.constantFrom(...EDGE_MS))
    .map(([days, ms]) => MIDNIGHT - days * DAY_MS + ms),
  fc
    .tuple(fc.constantFrom(0, 7, 30), fc.nat(4), fc.constantFrom(...CHAIN_MS))
    .map(([days, step, ms]) => MIDNIGHT - days * DAY_MS - 2 * HOUR_MS + step * ms),
  // Ties.
  { weight: 2, arbitrary: fc.constantFrom(MIDNIGHT - 3 * DAY_MS, MIDNIGHT - 31 * DAY_MS) },
);

export const edgeHistory: fc.Arbitrary<History> = shape({
  seen: anyLens,
  at: edgeInstant,
  delayMs: fc.oneof(
    fc.constant(0),
    fc.constantFrom(1, HOUR_MS, COPY_MS - GAP_MS, COPY_MS - 1, COPY_MS, 35 * DAY_MS, 93 * DAY_MS),
  ),
  stepMs: fc.constantFrom(0, MINUTE_MS, ...CHAIN_MS),
  laterMs: fc
    .tuple(fc.constantFrom(...EDGE_DAYS), fc.constantFrom(0, 0, 1, DAY_MS - 1))
    .map(([days, ms]) => days * DAY_MS + ms),
  copiedAfterMs: fc.constantFrom(0, 1, COPY_MS / 2, COPY_MS - 1, COPY_MS),
  echoedAfterMs: fc.constantFrom(1, 2, HOUR_MS, COPY_MS + 1),
  times: fc.oneof(
    { weight: 4, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: 5 }) },
  ),
});

/** Half hours of three evenings, and the days on which those evenings leave windows and horizons. */
const eveningInstant: fc.Arbitrary<EpochMs> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(0, 0, 1, 2), fc.nat(8), fc.constantFrom(...EDGE_MS))
      .map(([days, step, ms]) => MIDNIGHT - days * DAY_MS - 2 * HOUR_MS + step * GAP_MS + ms),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(1, 7, 30, 31, 34, 35, 35, 36), fc.constantFrom(...EDGE_MS))
      .map(([days, ms]) => MIDNIGHT + days * DAY_MS + ms),
  },
);

export const eveningHistory: fc.Arbitrary<History> = shape({
  seen: fc.record({
    kinds: fc.constantFrom(['activity'], ['activity', 'activity', 'activity', 'order', 'received']),
    names: fc.constantFrom(2, 4, 5),
    firstName: fc.nat(2),
    latestMs: fc.constantFrom(2 * DAY_MS, 2 * DAY_MS, Infinity),
  }),
  at: eveningInstant,
  delayMs: fc.constantFrom(
    0,
    0,
    1,
    HOUR_MS,
    6 * HOUR_MS,
    COPY_MS - GAP_MS,
    COPY_MS - 1,
    COPY_MS,
    35 * DAY_MS,
  ),
  stepMs: fc.constantFrom(0, MINUTE_MS, GAP_MS - 1, GAP_MS),
  laterMs: fc.constantFrom(0, 0, 1, DAY_MS, 6 * DAY_MS, 29 * DAY_MS, 30 * DAY_MS, 31 * DAY_MS),
  copiedAfterMs: fc.nat(COPY_MS),
  echoedAfterMs: fc.integer({ min: 1, max: DAY_MS }),
  times: fc.oneof(
    { weight: 40, arbitrary: fc.constant(1) },
    { weight: 8, arbitrary: fc.integer({ min: 2, max: 5 }) },
    // Sessions of more than a day, and a few of more than five.
    { weight: 1, arbitrary: fc.constantFrom(49, 260) },
  ),
});
