/** I1, I3, I13, I15: what the store holds, against the fault-free replay and against what was published. */
import type { CustomerId, EngagementScore, EpochMs } from '../../../schemas';
import {
  DEFAULT_SETTINGS,
  SESSION_GAP_MS,
  SPAN,
  VECTOR_WIDTH,
  asOfOf,
  decodeCustomer,
  evaluate,
  isErasedMarker,
  isHeld,
  ltvMinorOf,
  normalForm,
  validUntil,
} from '../../core';
import type { Customer, ScoreValues } from '../../core';
import type { RawScoreColumns } from '../../ports';
import { alertKey } from '../../runner';
import type { RestedWorld } from './rested';
import type { Reference } from '../reference';
import { alertsHeld, messagesOf } from './published';

export function checkState(world: RestedWorld, reference: Reference): void {
  const stored = storedCustomers(world);
  const scores = lastScores(world);
  for (const [id, expected] of reference.customers) {
    const found = stored.get(id);
    if (found === undefined) {
      if (isHeld(expected) && !id.startsWith('anon:'))
        world.witness.violate('I1', `${id} is not in the store`);
      continue;
    }
    checkFacts(found, expected, reference, world);
    checkErasure(found, reference, world);
    checkGaps(found, world);
    if (isHeld(found)) checkLedger(found, expected, scores.get(id) ?? null, world);
  }
  for (const id of stored.keys())
    if (!reference.customers.has(id)) world.witness.violate('I1', `${id} is in the store without any input`);
  checkAlerts(stored, world);
}

function storedCustomers({ store, plan }: RestedWorld): Map<CustomerId, Customer> {
  const found = new Map<CustomerId, Customer>();
  const { partitions } = store.snapshot();
  for (let partition = 0; partition < plan.partitions; partition++)
    for (const [id, bytes] of partitions.get(partition)?.states ?? [])
      found.set(id, decodeCustomer(id, bytes));
  return found;
}

function checkFacts(found: Customer, expected: Customer, reference: Reference, world: RestedWorld): void {
  const { turns, witness, broker } = world;
  const { facts } = found;
  if (facts.saturated !== 0 || expected.facts.saturated !== 0) return;
  if (isErasedMarker(facts) || isErasedMarker(expected.facts)) {
    if (isErasedMarker(facts) !== isErasedMarker(expected.facts))
      witness.violate(
        isErasedMarker(facts) ? 'I1' : 'I13',
        `${found.id} is erased in one and held in the other`,
      );
    return;
  }
  const asOf = turns.now;
  const clocks = reference.clocks[partitionIndex(found.id, broker.partitions, world)]!;
  const [a, b] = [normalForm(facts, asOf, clocks), normalForm(expected.facts, asOf, clocks)];
  if (a !== b) witness.violate('I1', `facts of ${found.id}: ${difference(a, b)}`);
  const vectors = [found, expected].map(customer => vectorOf(customer, asOf));
  if (!Buffer.from(vectors[0]!.buffer).equals(Buffer.from(vectors[1]!.buffer)))
    witness.violate('I1', `the vector of ${found.id} differs`);
}

const partitionIndex = (id: CustomerId, partitions: number, { store }: RestedWorld): number => {
  const held = store.snapshot().partitions;
  for (let partition = 0; partition < partitions; partition++)
    if (held.get(partition)?.states.has(id) === true) return partition;
  return 0;
};

const difference = (a: string, b: string): string => {
  let at = 0;
  while (a[at] === b[at]) at++;
  return `…${a.slice(Math.max(0, at - 60), at + 60)}… is …${b.slice(Math.max(0, at - 60), at + 60)}…`;
};

function vectorOf(customer: Customer, asOf: EpochMs): Float32Array {
  const out = new Float32Array(VECTOR_WIDTH);
  evaluate(customer, asOf, 'event', out, 0);
  return out;
}

function checkGaps({ id, facts: { sessions } }: Customer, { witness }: RestedWorld): void {
  for (let row = 1; row < sessions.rows; row++)
    if (sessions.at(row, SPAN.start) - sessions.at(row - 1, SPAN.end) <= SESSION_GAP_MS)
      witness.violate('I12', `two spans of ${id} are one session`);
}

/** The marker, and nothing from before it. */
function checkErasure({ id, facts }: Customer, { erasedAt }: Reference, { witness }: RestedWorld): void {
  const at = erasedAt.get(id);
  if (at === undefined) return;
  if (facts.erasedAt !== at)
    witness.violate('I13', `${id} was erased at ${at}, the store says ${facts.erasedAt}`);
  if (facts.clock > -Infinity && facts.clock <= at)
    witness.violate('I13', `${id} is held from before its erasure`);
}

/** The newest score that a consumer holds; null after a tombstone. */
function lastScores(world: RestedWorld): Map<CustomerId, EngagementScore | null> {
  const scores = new Map<CustomerId, EngagementScore | null>();
  for (const { message, body } of messagesOf<EngagementScore>(world, 'engagement-scores'))
    scores.set(message.key, body);
  return scores;
}

function checkLedger(
  found: Customer,
  expected: Customer,
  published: EngagementScore | null,
  world: RestedWorld,
): void {
  const { witness, turns, plan } = world;
  const { newest } = found.ledger;
  if (newest === null) return witness.violate('I3', `${found.id} was never scored`);
  if (validUntil(found.facts, newest.asOf) < turns.now - 6 * plan.idleMs)
    witness.violate('I3', `the score of ${found.id} is out of date`);
  if (found.facts.saturated === 0) checkValues(newest, expected, world);
  if (published === null) return witness.violate('I4', `${found.id} has no score in the topic`);
  const { epoch, sequence } = published;
  if (epoch > found.ledger.epoch || (epoch === found.ledger.epoch && sequence > found.ledger.sequence))
    witness.violate('I4', `${found.id}: ${epoch}.${sequence} was published, the ledger is behind it`);
  const { engagementDelta, churnDelta, ltvShare } = DEFAULT_SETTINGS.publish;
  const isNear =
    Math.abs(published.engagement - newest.engagement) < engagementDelta + 1e-9 &&
    Math.abs(published.churn30d - newest.churn30d) < churnDelta + 1e-9 &&
    Math.abs(published.ltvMinor - newest.ltvMinor) <= Math.max(1, ltvShare * Math.abs(published.ltvMinor)) &&
    published.status === newest.status &&
    published.segment === newest.segment;
  if (!isNear) witness.violate('I3', `what was published last of ${found.id} is not what its ledger holds`);
}

/** The ledger's scores are those of the reference's facts at the same as-of. */
function checkValues(newest: ScoreValues, expected: Customer, { scorer, witness }: RestedWorld): void {
  if (newest.asOf < asOfOf(expected)) {
    witness.violate('I3', `the score of ${expected.id} does not know its newest input`);
    return;
  }
  if (scorer.answer === null) return;
  const vector = new Float32Array(VECTOR_WIDTH);
  const { revenueMinor } = evaluate(expected, newest.asOf, 'event', vector, 0);
  const { engagement, churn, ltv } = onlyRow(scorer.answer(vector, 1));
  if (
    newest.engagement !== engagement ||
    newest.churn30d !== churn ||
    newest.ltvMinor !== ltvMinorOf(revenueMinor, ltv)
  )
    witness.violate('I3', `the ledger of ${expected.id} holds other scores than its facts give`);
}

function onlyRow(columns: RawScoreColumns): { engagement: number; churn: number; ltv: number } {
  return { engagement: columns.engagement[0]!, churn: columns.churn[0]!, ltv: columns.ltv[0]! };
}

function checkAlerts(stored: ReadonlyMap<CustomerId, Customer>, world: RestedWorld): void {
  const held = alertsHeld(world);
  const expected = new Map<string, string>();
  for (const [id, { ledger }] of stored)
    for (const { kind, alertId } of ledger.alerts) expected.set(alertKey(id, kind), alertId);
  for (const [key, alertId] of expected)
    if (held.get(key)?.alertId !== alertId)
      world.witness.violate('I15', `${key} is raised, the topic does not say so`);
  for (const key of held.keys())
    if (!expected.has(key))
      world.witness.violate('I15', `the topic says that ${key} is raised, the ledger does not`);
}
