/**
 * What must become of every input (I5), beside the fault-free replay: which records are rejected, which are passed on,
 * which events come too late. A few answers hang on the order in which topics are merged; those are possible, the
 * others certain.
 */
import type { CustomerId, EpochMs } from '../../schemas';
import { dayOf } from '../../schemas';
import { HORIZON, SESSION_GAP_MS } from '../core';
import type { Customer, CustomerInput, Outcome } from '../core';

/** `topic/partition/offset` of the input where it was sent first; `>` and an index for what it did to somebody else. */
export type Cause = string;

export type Certainty = 'certain' | 'possible';

export type OutcomeKind = Outcome['kind'] | 'rejected' | 'passedOn';

/** An input that reached its customer. */
interface Folded {
  cause: Cause;
  input: CustomerInput;
  outcome: Outcome['kind'];
}

export class ExpectedOutcomes {
  /** Of the records that producers and schedulers sent; each has one. */
  readonly counts: Record<OutcomeKind, number> = {
    applied: 0,
    appliedLate: 0,
    duplicate: 0,
    ignored: 0,
    rejected: 0,
    passedOn: 0,
  };
  /** Codes of what is rejected. */
  readonly rejected = new Map<Cause, string>();
  /** What goes to another lane, by the customer who caused it; null: it only came to the wrong partition. */
  readonly mailed = new Map<Cause, CustomerId | null>();
  private readonly folded = new Map<CustomerId, Folded[]>();

  reject(cause: Cause, code: string): void {
    this.counts.rejected++;
    this.rejected.set(cause, code);
  }

  fold(cause: Cause, input: CustomerInput, outcome: Outcome['kind']): void {
    let own = this.folded.get(input.customerId);
    if (own === undefined) this.folded.set(input.customerId, (own = []));
    own.push({ cause, input, outcome });
  }

  /** When the last activity of a customer between two instants came; -Infinity: there is none. */
  lastArrival(id: CustomerId, from: EpochMs, to: EpochMs): EpochMs {
    let last = -Infinity;
    for (const { input } of this.folded.get(id) ?? [])
      if (input.kind === 'activity' && input.eventAt >= from && input.eventAt <= to)
        last = Math.max(last, input.recordAt);
    return last;
  }

  /**
   * Events that come too late. `isSure` is false for customers of whom only the normal form is promised (saturated,
   * erased); `newest` is the last instant that any clock has shown.
   */
  late(
    customers: ReadonlyMap<CustomerId, Customer>,
    newest: EpochMs,
    isSure: (id: CustomerId) => boolean,
  ): Map<Cause, Certainty> {
    const late = new Map<Cause, Certainty>();
    for (const [id, folded] of this.folded) {
      const sure = isSure(id) && customers.get(id)!.facts.saturated === 0;
      const ends = chainEnds(folded);
      for (const { cause, input, outcome } of folded) {
        if (sure && (outcome === 'duplicate' || outcome === 'ignored')) continue;
        const lateness = latenessOf(input, ends, newest);
        if (lateness !== null) late.set(cause, sure ? lateness : 'possible');
      }
    }
    return late;
  }
}

/**
 * The clock of a customer is at least the input's record timestamp, and at most what any clock has shown. The session
 * of an event ends with the event itself, or with the last one that the gap law may ever join to it.
 */
function latenessOf(
  input: CustomerInput,
  ends: ReadonlyMap<EpochMs, EpochMs>,
  newest: EpochMs,
): Certainty | null {
  if (input.kind !== 'activity' && input.kind !== 'received' && input.kind !== 'order') return null;
  const { eventAt, recordAt } = input;
  const isBeyond = (clock: EpochMs): boolean => dayOf(eventAt) < dayOf(clock) - HORIZON.days;
  if (input.kind === 'order' && input.action !== 'completed') return null;
  if (input.kind !== 'activity') return isBeyond(recordAt) ? 'certain' : isBeyond(newest) ? 'possible' : null;
  if (isBeyond(recordAt) || ends.get(eventAt)! < recordAt - HORIZON.sessionsMs) return 'certain';
  return eventAt < newest - HORIZON.sessionsMs ? 'possible' : null;
}

/** By instant of activity: where the chain of instants that are at most a gap apart ends. */
function chainEnds(folded: readonly Folded[]): Map<EpochMs, EpochMs> {
  const instants = folded
    .flatMap(({ input }) => (input.kind === 'activity' ? [input.eventAt] : []))
    .sort((a, b) => b - a);
  const ends = new Map<EpochMs, EpochMs>();
  let later = Infinity;
  let end = Infinity;
  for (const at of instants) {
    if (later - at > SESSION_GAP_MS) end = at;
    ends.set(at, end);
    later = at;
  }
  return ends;
}
