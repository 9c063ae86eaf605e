/** What happens to one customer, made into inputs of the core. */
import type { EpochMs, InputTopic } from '../../../schemas';
import type { CustomerInput, OrderInput, ProfileInput } from '../../core';

export const KINDS = ['activity', 'order', 'received', 'profile', 'attributes'] as const;
type Kind = (typeof KINDS)[number];

/** One thing that happened, `times` times, `stepMs` apart, and how late each was heard of. */
export interface Happening {
  at: EpochMs;
  kind: Kind;
  /** Chooses the event's name. */
  name: number;
  /** Chooses everything else that it says. */
  variant: number;
  delayMs: number;
  times: number;
  stepMs: number;
}

const OWN = [
  'page',
  'Product Added',
  'Checkout Started',
  'screen',
  'Product Viewed',
  'Post Created',
  'Comment Created',
  'Post Shared',
  'Message Sent',
  'Profile Swiped',
  'User Followed',
  'User Unfollowed',
  'Connection Accepted',
  'Connection Removed',
  'Gig Application Submitted',
  'Signed In',
  'Something Else',
  'Post Liked',
];
/** Place by place beside what the customer does, so that a lens of a few names sees what belongs together. */
const RECEIVED = [
  'Gig Hired',
  'Gig Completed',
  'Gig Cancelled',
  'Post Shared',
  'User Followed',
  'User Unfollowed',
  'Post Liked',
  'Comment Created',
  'Gig Rated',
  'Profile Viewed',
  'Connection Accepted',
  'Connection Removed',
  'Gig Application Submitted',
  'Something Else',
];
/** Places of names that only show together: applications and hires; shares and followers; ratings alone. */
export const PLACE = { applications: 14, shares: 3, ratings: 8 } as const;
const ACTIONS: OrderInput['action'][] = ['completed', 'completed', 'updated', 'refunded', 'cancelled'];

const TOPIC: Record<Kind, InputTopic> = {
  activity: 'web-events',
  order: 'orders',
  profile: 'customers',
  attributes: 'customer-commands',
  received: 'customer-mail',
};

/** An eleventh of the messages was keyed wrongly and came on by mail. */
const isMailed = ({ kind, variant }: Happening): boolean =>
  kind === 'received' || (kind !== 'attributes' && variant % 11 === 5);

/** Message ids are unique in their topic and meet again in others, where they mean nothing. */
export function inputsOf(happenings: readonly Happening[]): CustomerInput[] {
  const inputs: CustomerInput[] = [];
  const perTopic = new Map<InputTopic, number>();
  for (const happening of happenings)
    for (let time = 0; time < happening.times; time++) {
      // What is said differs from time to time, so that ties at one instant are between different things.
      const variant = happening.variant + time;
      const topic = isMailed({ ...happening, variant }) ? 'customer-mail' : TOPIC[happening.kind];
      const number = perTopic.get(topic) ?? 0;
      perTopic.set(topic, number + 1);
      const at = happening.at + time * happening.stepMs;
      inputs.push(inputOf({ ...happening, at, variant }, inputs.length, topic, `m${number}`));
    }
  return inputs;
}

function inputOf(happening: Happening, offset: number, topic: InputTopic, messageId: string): CustomerInput {
  const { at, kind, name, variant, delayMs } = happening;
  const recordAt = at + delayMs;
  const origin = { topic: TOPIC[kind], partition: 1, offset, index: 0, recordAt };
  const mailedFrom = topic === 'customer-mail' ? origin : null;
  const base = { customerId: 'c1', recordAt, source: { topic, partition: 0, offset, index: 0 }, mailedFrom };
  const message = { ...base, messageId, eventAt: at, clockAhead: false };
  switch (kind) {
    case 'activity':
      return { ...message, kind, ...saidBy(OWN[name % OWN.length]!, variant) };
    case 'order':
      return {
        ...message,
        kind,
        action: ACTIONS[name % ACTIONS.length]!,
        orderId: `o${variant % 3}`,
        amountMinor: variant % 7 === 3 ? null : ((variant * 131) % 20) * 250 - 250,
      };
    case 'received': {
      const ratingHundredths = variant % 5 === 0 ? null : 100 + ((variant * 37) % 401);
      return { ...base, kind, name: RECEIVED[name % RECEIVED.length]!, eventAt: at, ratingHundredths };
    }
    case 'profile':
      return { ...message, kind, fields: fieldsOf(variant), anonymousId: variant % 3 === 0 ? 'a1' : null };
    case 'attributes':
      return {
        ...base,
        kind,
        computedAt: at,
        networkCentrality: variant % 3 === 0 ? null : (variant % 10) / -10,
        avgConnectionStrength: variant % 4 === 0 ? null : (variant % 7) / 7,
      };
  }
}

const saidBy = (name: string, variant: number) => ({
  name,
  mobile: variant % 3 === 0,
  page: (name === 'page' || name === 'screen') && variant % 4 > 0 ? `/p${variant % 5}` : null,
  targetUserId: null,
  liked: variant % 2 === 0,
  ratingHundredths: null,
  sentimentMillionths: variant % 4 === 0 ? null : ((variant * 7_919) % 2_000_001) - 1_000_000,
});

const fieldsOf = (variant: number): ProfileInput['fields'] => ({
  createdAt: variant % 3 === 0 ? Date.UTC(2016 + (variant % 11), variant % 12, 28 + (variant % 4)) : null,
  accountType: ([null, 'free', 'premium', 'enterprise'] as const)[variant % 4]!,
  location: null,
  profileCompleteness: variant % 2 === 0 ? variant % 101 : null,
  skills: variant % 5 === 0 ? null : variant % 30,
  ageBand: null,
  gender: null,
});
