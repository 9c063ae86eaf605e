/** What an event adds beyond activity, to the actor and to the target: the table of docs/features.md as data. */
import { DAY, LIFE, SPAN } from './facts';
import type { CustomerFacts } from './facts';
import type { ActivityInput } from './types';

interface Contribution {
  /** Counter of the day, of the session, and lifetime sum that one event changes. */
  day?: number;
  span?: number;
  life?: readonly [index: number, by: number];
  /** Counts as content: its sentiment is summed. */
  content?: true;
}

export const ACTOR: Readonly<Record<string, Contribution>> = Object.assign(Object.create(null) as object, {
  page: { day: DAY.pageViews, span: SPAN.pageViews },
  screen: { day: DAY.pageViews, span: SPAN.pageViews },
  'Product Viewed': { day: DAY.productViews, span: SPAN.productViews },
  'Product Added': { day: DAY.cartAdds, span: SPAN.cartAdds },
  'Checkout Started': { day: DAY.checkouts, span: SPAN.checkouts },
  'Post Created': { day: DAY.posts, content: true },
  'Comment Created': { day: DAY.comments, content: true },
  'Post Shared': { day: DAY.shares, content: true },
  'Message Sent': { day: DAY.messages, content: true },
  'Profile Swiped': { day: DAY.swipes },
  'User Followed': { life: [LIFE.following, 1] },
  'User Unfollowed': { life: [LIFE.following, -1] },
  'Connection Accepted': { life: [LIFE.connections, 1] },
  'Connection Removed': { life: [LIFE.connections, -1] },
  'Gig Application Submitted': { day: DAY.applicationsSent, life: [LIFE.applicationsSent, 1] },
} satisfies Record<string, Contribution>);

export const TARGET: Readonly<Record<string, Contribution>> = Object.assign(Object.create(null) as object, {
  'Post Liked': { day: DAY.likesReceived },
  'Comment Created': { day: DAY.commentsReceived },
  'Post Shared': { day: DAY.sharesReceived },
  'Profile Viewed': { day: DAY.profileViewsReceived },
  'User Followed': { life: [LIFE.followers, 1] },
  'User Unfollowed': { life: [LIFE.followers, -1] },
  'Connection Accepted': { life: [LIFE.connections, 1] },
  'Connection Removed': { life: [LIFE.connections, -1] },
  'Gig Application Submitted': { day: DAY.applicationsReceived },
  'Gig Hired': { life: [LIFE.gigHires, 1] },
  'Gig Completed': { life: [LIFE.gigsCompleted, 1] },
  'Gig Cancelled': { life: [LIFE.gigsCancelled, 1] },
  'Gig Rated': {},
} satisfies Record<string, Contribution>);

/** Adds an own event to its day, its session and the lifetime sums; rows below 0 are gone. */
export function addActor(facts: CustomerFacts, input: ActivityInput, dayAt: number, spanAt: number): void {
  const { days, sessions, life } = facts;
  const adds = ACTOR[input.name];
  if (dayAt >= 0) {
    days.add(dayAt, DAY.events, 1);
    if (input.mobile) days.add(dayAt, DAY.mobileEvents, 1);
  }
  if (adds === undefined) return;
  if (adds.life !== undefined) life[adds.life[0]]! += adds.life[1];
  if (spanAt >= 0 && adds.span !== undefined) sessions.add(spanAt, adds.span, 1);
  if (dayAt < 0) return;
  if (adds.day !== undefined) days.add(dayAt, adds.day, 1);
  if (input.name === 'Profile Swiped' && input.liked) days.add(dayAt, DAY.swipeLikes, 1);
  if (adds.content === true && input.sentimentMillionths !== null) {
    days.add(dayAt, DAY.contents, 1);
    days.add(dayAt, DAY.sentimentMillionths, input.sentimentMillionths);
  }
}

/** Adds what another customer did to this one. */
export function addReceived(
  facts: CustomerFacts,
  name: string,
  ratingHundredths: number | null,
  dayAt: number,
): void {
  const adds = TARGET[name];
  if (adds === undefined) return;
  const { days, life } = facts;
  if (adds.life !== undefined) life[adds.life[0]]! += adds.life[1];
  if (dayAt >= 0 && adds.day !== undefined) days.add(dayAt, adds.day, 1);
  if (name !== 'Gig Rated' || ratingHundredths === null) return;
  life[LIFE.ratings]!++;
  life[LIFE.ratingHundredths]! += ratingHundredths;
  if (dayAt < 0) return;
  days.add(dayAt, DAY.ratings, 1);
  days.add(dayAt, DAY.ratingHundredths, ratingHundredths);
}
