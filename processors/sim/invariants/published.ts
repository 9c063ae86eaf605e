/** I2, I4, I8, I11, I12, I13, I15: what consumers of the output topics see. */
import type { Alert, CustomerId, EngagementScore, Session } from '../../../schemas';
import type { PublishedMessage } from '../../../streams/memory';
import { SESSION_GAP_MS } from '../../core';
import type { RestedWorld } from './rested';

export function checkPublished(world: RestedWorld): void {
  checkIds(world);
  checkScores(world);
  checkSessions(world);
}

function checkIds({ broker, plan, witness }: RestedWorld): void {
  const contents = new Map<string, string>();
  // Who comes back after an erasure with the same events makes the same sessions again: the same bodies, the same ids.
  const erased = new Set(broker.published.filter(({ value }) => value === null).map(({ key }) => key));
  for (const { id, topic, key, value } of broker.published) {
    const content = `${topic} ${key} ${value === null ? 'tombstone' : Buffer.from(value).toString('hex')}`;
    const before = contents.get(id);
    if (before !== undefined && before !== content) witness.violate('I2', `${id} has two contents`);
    if (before !== undefined && !plan.losesWrites && !(topic === 'sessions' && erased.has(key)))
      witness.violate('I8', `${topic} ${key} ${id} came twice`);
    contents.set(id, content);
  }
}

type Decoded<T> = { message: PublishedMessage; body: T | null };

/** The messages of one topic, decoded, in the order of publication. */
export function messagesOf<T>(
  { broker, codec }: RestedWorld,
  topic: PublishedMessage['topic'],
): Decoded<T>[] {
  return broker.published
    .filter(message => message.topic === topic)
    .map(message => ({
      message,
      body: message.value === null ? null : (codec.decodeOutput(topic, message.value) as unknown as T),
    }));
}

const isAfter = (a: EngagementScore, b: EngagementScore): boolean =>
  a.epoch > b.epoch || (a.epoch === b.epoch && a.sequence > b.sequence);

function checkScores(world: RestedWorld): void {
  const { witness, scorer, plan } = world;
  const newest = new Map<CustomerId, EngagementScore>();
  const seen = new Set<string>();
  const erased = new Map<CustomerId, number>();
  for (const { message, body } of messagesOf<EngagementScore>(world, 'engagement-scores')) {
    if (body === null) {
      if (message.headers['ce_type'] === 'rescore.erased')
        erased.set(message.key, Date.parse(message.headers['ce_time']!));
      continue;
    }
    const before = newest.get(body.customerId);
    const isRepeat = plan.losesWrites && seen.has(message.id);
    if (before !== undefined && !isRepeat && !isAfter(body, before))
      witness.violate(
        'I4',
        `${body.customerId}: ${body.epoch}.${body.sequence} came after ${before.epoch}.${before.sequence}`,
      );
    if (before === undefined || isAfter(body, before)) newest.set(body.customerId, body);
    seen.add(message.id);
    if (!isRepeat && body.asOf <= (erased.get(body.customerId) ?? -Infinity))
      witness.violate('I13', `${body.customerId} was scored as of before its erasure`);
    for (const { version } of body.models)
      if (!scorer.verified.has(version)) witness.violate('I11', `model ${version} scored unverified`);
  }
}

/** The sessions that a consumer holds who obeys `revision` and `supersedes`. */
export function sessionsHeld(world: RestedWorld): Map<CustomerId, Map<string, Session>> {
  const held = new Map<CustomerId, Map<string, Session>>();
  for (const { body } of messagesOf<Session>(world, 'sessions')) {
    if (body === null) continue;
    let own = held.get(body.customerId);
    if (own === undefined) held.set(body.customerId, (own = new Map()));
    for (const id of body.supersedes) own.delete(id);
    if ((own.get(body.sessionId)?.revision ?? 0) <= body.revision) own.set(body.sessionId, body);
  }
  return held;
}

function checkSessions(world: RestedWorld): void {
  // A recovery reads topics in another order than the lane before it: sessions that late events united meanwhile may
  // have been told apart. What the store holds keeps the law (state.ts).
  if (world.plan.losesWrites) return;
  const erased = new Set(
    messagesOf(world, 'engagement-scores').flatMap(({ message, body }) =>
      body === null ? [message.key] : [],
    ),
  );
  for (const [customerId, sessions] of sessionsHeld(world)) {
    // Sessions from before an erasure are gone from the state, and may overlap what came after it.
    if (erased.has(customerId)) continue;
    const inOrder = [...sessions.values()].sort((a, b) => a.startAt - b.startAt);
    for (let at = 1; at < inOrder.length; at++)
      if (inOrder[at]!.startAt - inOrder[at - 1]!.endAt <= SESSION_GAP_MS)
        world.witness.violate(
          'I12',
          `two sessions of ${customerId} are ${inOrder[at]!.startAt - inOrder[at - 1]!.endAt} ms apart`,
        );
  }
}

/** Present alerts as the compacted topic tells them, by `customer:kind`. */
export function alertsHeld(world: RestedWorld): Map<string, Alert> {
  const held = new Map<string, Alert>();
  for (const { message, body } of messagesOf<Alert>(world, 'engagement-alerts'))
    if (body === null || body.state === 'cleared') held.delete(message.key);
    else held.set(message.key, body);
  return held;
}
