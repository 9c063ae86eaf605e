/** I5, from outside: what left the lanes is what the fault-free replay says of every input, no more and no less. */
import type { CustomerId, DeadLetter, LateEvent, Session } from '../../../schemas';
import { DAY_MS, HOUR_MS } from '../../../schemas';
import { DEFAULT_SETTINGS, HORIZON, SESSION_GAP_MS, SPAN } from '../../core';
import type { Customer } from '../../core';
import type { Cause, Certainty } from '../outcomes';
import { placeOf } from '../reference';
import type { Reference } from '../reference';
import { messagesOf, sessionsHeld } from './published';
import type { RestedWorld } from './rested';

export function checkOutcomes(world: RestedWorld, reference: Reference): void {
  const { outcomes, customers, erasedAt, clocks } = reference;
  const mail = mailOf(world);
  const forgotten = new Set([...erasedAt.keys(), ...tombstonesOf(world)]);
  const isSure = (id: CustomerId): boolean => !forgotten.has(id);
  const newest = Math.max(world.turns.now, ...clocks.flatMap(clock => Object.values(clock)));
  const late = outcomes.late(customers, newest, isSure);
  checkCounts(world, reference);
  checkDeadLetters(world, new Map([...outcomes.rejected, ...mail.rejected]));
  checkMail(world, reference, mail.causes, isSure);
  checkLate(world, late, mail.causes);
  // A recovery merges topics in another order: which sessions it took for said, and a consumer holds, is not promised.
  if (!world.plan.losesWrites) checkSessions(world, reference, isSure);
}

const tombstonesOf = (world: RestedWorld): CustomerId[] =>
  messagesOf(world, 'engagement-scores').flatMap(({ message, body }) => (body === null ? [message.key] : []));

/** Every record of the inputs has one outcome. Mail is none of them: it tells of others. */
function checkCounts({ broker, witness }: RestedWorld, { outcomes: { counts } }: Reference): void {
  let records = 0;
  for (const topic of ['web-events', 'orders', 'customers', 'customer-commands'] as const)
    for (let partition = 0; partition < broker.partitions; partition++)
      records += broker.read(topic, partition, broker.startOf(topic, partition), Infinity).records.length;
  const ended = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (ended !== records) witness.violate('I5', `${records} inputs, ${ended} outcomes`);
}

/** By where a mail stands: the input that it tells of. A repeat tells of the same one. */
function mailOf({ broker, codec }: RestedWorld): {
  causes: Map<string, Cause>;
  rejected: Map<Cause, string>;
} {
  const causes = new Map<string, Cause>();
  const rejected = new Map<Cause, string>();
  for (let partition = 0; partition < broker.partitions; partition++)
    for (const record of broker.read(
      'customer-mail',
      partition,
      broker.startOf('customer-mail', partition),
      Infinity,
    ).records)
      try {
        const { origin, forwarded } = codec.decode('customer-mail', record.value);
        causes.set(
          placeOf(record),
          forwarded === null ? `${placeOf(origin)}>${origin.index}` : placeOf(origin),
        );
      } catch (error) {
        rejected.set(placeOf(record), (error as { code?: string }).code ?? 'undecodable');
      }
  // What came by mail may itself have sent some.
  for (const [place, cause] of causes) causes.set(place, original(cause, causes));
  return { causes, rejected };
}

/** The cause in terms of what was sent first. */
function original(cause: string, causes: ReadonlyMap<string, Cause>): Cause {
  const [place, ...rest] = cause.split('>');
  const before = causes.get(place!);
  return before === undefined ? cause : [original(before, causes), ...rest].join('>');
}

function checkDeadLetters(world: RestedWorld, rejected: ReadonlyMap<Cause, string>): void {
  const { witness, plan } = world;
  const found = new Set<Cause>();
  for (const { body } of messagesOf<DeadLetter>(world, 'dead-letters')) {
    const { source, code } = body!;
    const place = `${source.topic}/${source.partition}/${source.offset}`;
    const expected = rejected.get(place);
    if (expected === undefined)
      witness.violate('I5', `${place} is a dead letter (${code}) and no rejected input`);
    else if (expected !== code)
      witness.violate('I5', `${place} is a dead letter for ${code}, not for ${expected}`);
    if (found.has(place) && !plan.losesWrites) witness.violate('I5', `${place} has two dead letters`);
    found.add(place);
  }
  for (const [place, code] of rejected)
    if (!found.has(place)) witness.violate('I5', `${place} (${code}) was rejected without a dead letter`);
}

function checkMail(
  { witness }: RestedWorld,
  { outcomes: { mailed } }: Reference,
  causes: ReadonlyMap<string, Cause>,
  isSure: (id: CustomerId) => boolean,
): void {
  const found = new Set(causes.values());
  for (const [cause, customerId] of mailed)
    if (!found.has(cause) && (customerId === null || isSure(customerId)))
      witness.violate('I5', `${cause} was not passed on`);
  for (const cause of found)
    if (!mailed.has(cause)) witness.violate('I5', `${cause} was passed on without a reason`);
}

function checkLate(
  world: RestedWorld,
  late: ReadonlyMap<Cause, Certainty>,
  causes: ReadonlyMap<string, Cause>,
): void {
  const { witness, plan } = world;
  const found = new Set<Cause>();
  for (const { body } of messagesOf<LateEvent>(world, 'late-events')) {
    const place = placeOf(body!.source);
    const cause = causes.get(place) ?? place;
    if (!late.has(cause)) witness.violate('I5', `${cause} is a late event and came in time`);
    if (found.has(cause) && !plan.losesWrites) witness.violate('I5', `${cause} was late twice`);
    found.add(cause);
  }
  for (const [cause, certainty] of late)
    if (certainty === 'certain' && !found.has(cause))
      witness.violate('I5', `${cause} came late, and nothing says so`);
}

/** Of customers with nothing due: every session that is over is held by a consumer, as the replay has it. */
function checkSessions(world: RestedWorld, reference: Reference, isSure: (id: CustomerId) => boolean): void {
  const held = sessionsHeld(world);
  const wakes = new Map(
    [...world.store.snapshot().partitions.values()].flatMap(partition => [...partition.wakes]),
  );
  for (const [id, customer] of reference.customers) {
    if (!isSure(id) || customer.facts.saturated !== 0) continue;
    if ((wakes.get(id) ?? Infinity) <= world.turns.now) continue;
    const own = [...(held.get(id)?.values() ?? [])];
    checkSaid(customer, own, reference, world);
    checkReasons(customer, own, world);
  }
}

function checkSaid(
  { id, facts: { sessions } }: Customer,
  held: readonly Session[],
  { outcomes }: Reference,
  { witness, turns }: RestedWorld,
): void {
  const overAt = turns.now - SESSION_GAP_MS - DEFAULT_SETTINGS.sessionGraceMs;
  for (let row = 0; row < sessions.rows; row++) {
    const [start, end] = [sessions.at(row, SPAN.start), sessions.at(row, SPAN.end)];
    if (end > overAt || start < turns.now - SETTLED_MS) continue;
    if (outcomes.lastArrival(id, start, end) > end + IN_TIME_MS) continue;
    const inside = held.filter(({ startAt }) => startAt >= start && startAt <= end);
    const [said] = inside;
    if (inside.length !== 1 || said!.startAt !== start || said!.endAt !== end)
      witness.violate(
        'I5',
        `the session of ${id} from ${start} to ${end} is held as ${inside.length} others`,
      );
    else if (`${COUNTS.map(column => sessions.at(row, column))}` !== `${countsOf(said!)}`)
      witness.violate('I5', `the session of ${id} from ${start} has other counts than were said`);
  }
}

/** A session that is held lies inside one of the replay, be it open again. */
function checkReasons(
  { id, facts: { sessions } }: Customer,
  held: readonly Session[],
  { witness, turns }: RestedWorld,
): void {
  for (const { startAt } of held) {
    const row = sessions.lowerBound(startAt + 1) - 1;
    const isInside = row >= 0 && startAt <= sessions.at(row, SPAN.end);
    if (!isInside && startAt >= turns.now - SETTLED_MS)
      witness.violate('I5', `a session of ${id} from ${startAt} was said that is none`);
  }
}

/** As in the normal form: behind it a session may differ at its old end. */
const SETTLED_MS = HORIZON.sessionsMs - DAY_MS;

/** What changes a session is told within two days of its end: most of that is left to outages in between. */
const IN_TIME_MS = 6 * HOUR_MS;

const COUNTS = [SPAN.events, SPAN.pageViews, SPAN.productViews, SPAN.cartAdds, SPAN.checkouts];

const countsOf = ({ events, pageViews, productViews, cartAdds, checkouts }: Session): number[] => [
  events,
  pageViews,
  productViews,
  cartAdds,
  checkouts,
];
