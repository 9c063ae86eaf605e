/**
 * The feature catalogue: one entry a feature, in the order of the layout. Adding a feature is one entry here and
 * one line in the naive oracle (processors/sim/oracle); a change of meaning is a new version or a new name.
 *
 * Windows: N days = the as-of's UTC day and the N days before it; N weeks = the as-of's week, from Monday on, and the N
 * weeks before it, so that what is long ago leaves them once a week. NaN = undefined. Money in major units.
 */
import { dayOf } from '../../schemas';
import { ageOf, monthsBetween, widenAge } from './calendar';
import { DAY, LIFE } from './facts';
import type { Summary } from './summary';

/** Windows in days whose passing may change the feature; `age` and `month` for what steps by the calendar. */
export type FeatureWindow = 7 | 30 | 90 | '26 weeks' | '52 weeks' | 'age' | 'month' | 'lifetime';

export interface FeatureDefinition {
  readonly name: string;
  /** Semantics version. */
  readonly version: number;
  readonly meaning: string;
  readonly source:
    'sessions' | 'days' | 'weeks' | 'orders' | 'lifetime' | 'profile' | 'attributes' | 'derived';
  readonly windows: readonly FeatureWindow[];
  /** When the feature is NaN; empty when never. */
  readonly undefinedWhen: string;
  readonly value: (summary: Summary) => number;
}

const feature = (
  name: string,
  source: FeatureDefinition['source'],
  windows: readonly FeatureWindow[],
  meaning: string,
  value: (summary: Summary) => number,
  undefinedWhen = '',
): FeatureDefinition => ({ name, version: 1, meaning, source, windows, undefinedWhen, value });

const MINOR_PER_MAJOR = 100;
const ratio = (part: number, whole: number): number => (whole === 0 ? NaN : part / whole);
const clip01 = (value: number): number => Math.min(Math.max(value, 0), 1);
const atLeast0 = (value: number): number => Math.max(value, 0);

const lastLoginDaysAgo = (s: Summary): number =>
  s.facts.lastOwnActivityAt === -Infinity ? NaN : ageOf(s.facts.lastOwnActivityAt, s.asOf);
const daysSinceLastOrder = (s: Summary): number =>
  s.orders.count === 0 ? NaN : widenAge(dayOf(s.asOf) - s.orders.lastDay);
const orderGapMeanDays = (s: Summary): number =>
  s.orders.distinctDays < 2 ? NaN : (s.orders.lastDay - s.orders.firstDay) / (s.orders.distinctDays - 1);
const followers = (s: Summary): number => atLeast0(s.facts.life[LIFE.followers]!);
const completeness = (s: Summary): number => s.facts.profile.profileCompleteness?.value ?? NaN;
const skills = (s: Summary): number => s.facts.profile.skills?.value ?? NaN;
const accountIs = (s: Summary, type: string): number => (s.facts.profile.accountType?.value === type ? 1 : 0);
const virality = (s: Summary): number =>
  clip01(
    (10 * s.days30[DAY.sharesReceived]! +
      s.days30[DAY.likesReceived]! +
      5 * s.days30[DAY.commentsReceived]!) /
      Math.max(1, followers(s)),
  );

function tenureMonths(s: Summary): number {
  const since = s.facts.profile.createdAt?.value ?? s.facts.firstSeenAt;
  return since === Infinity ? 0 : monthsBetween(since, s.asOf);
}

/** The hour active on most days of 30; the smallest on a tie. */
function peakActivityHour(s: Summary): number {
  if (s.days30[DAY.events] === 0) return NaN;
  let peak = 0;
  for (let hour = 1; hour < 24; hour++) if (s.hours30[hour]! > s.hours30[peak]!) peak = hour;
  return peak;
}

export const CATALOGUE: readonly FeatureDefinition[] = [
  feature('sessions_last_7_days', 'sessions', [7], 'sessions', s => s.sessions7),
  feature('sessions_last_30_days', 'sessions', [30], 'sessions', s => s.sessions30),
  feature(
    'session_duration_avg_minutes',
    'sessions',
    [30],
    'mean of end minus start, each at most 24 h',
    s => ratio(s.sessionMinutes30, s.sessions30),
    'no session',
  ),
  feature(
    'last_login_days_ago',
    'lifetime',
    ['age'],
    'age of the last own activity',
    lastLoginDaysAgo,
    'never active',
  ),
  feature('active_days_last_7_days', 'days', [7], 'days with own activity', s => s.activeDays7),
  feature('active_days_last_30_days', 'days', [30], 'days with own activity', s => s.activeDays30),
  feature('active_days_last_90_days', 'days', [90], 'days with own activity', s => s.activeDays90),
  feature(
    'active_days_last_26_weeks',
    'weeks',
    ['26 weeks'],
    'days with own activity, this week and 26 before it',
    s => s.activeDays26Weeks,
  ),
  feature(
    'active_days_last_52_weeks',
    'weeks',
    ['52 weeks'],
    'days with own activity, this week and 52 before it',
    s => s.activeDays52Weeks,
  ),
  feature('events_last_7_days', 'days', [7], 'own web events', s => s.events7),
  feature('events_last_30_days', 'days', [30], 'own web events', s => s.days30[DAY.events]!),
  feature('page_views_last_30_days', 'days', [30], 'page and screen views', s => s.days30[DAY.pageViews]!),
  feature('product_views_last_30_days', 'days', [30], 'product views', s => s.days30[DAY.productViews]!),
  feature('cart_adds_last_30_days', 'days', [30], 'products added to the cart', s => s.days30[DAY.cartAdds]!),
  feature('checkouts_last_30_days', 'days', [30], 'checkouts started', s => s.days30[DAY.checkouts]!),
  feature(
    'cart_abandonment_rate_last_30_days',
    'days',
    [30],
    '1 - checkouts / cart adds, clipped to 0..1',
    s =>
      s.days30[DAY.cartAdds] === 0 ? NaN : clip01(1 - s.days30[DAY.checkouts]! / s.days30[DAY.cartAdds]!),
    'no cart adds',
  ),
  feature(
    'weekend_usage_pct',
    'days',
    [30],
    'share of own web events on Saturdays and Sundays, percent',
    s => 100 * ratio(s.weekendEvents30, s.days30[DAY.events]!),
    'no events',
  ),
  feature(
    'mobile_usage_pct',
    'days',
    [30],
    'share of own web events from mobile devices, percent',
    s => 100 * ratio(s.days30[DAY.mobileEvents]!, s.days30[DAY.events]!),
    'no events',
  ),
  feature('peak_activity_hour', 'days', [30], 'UTC hour active on most days', peakActivityHour, 'no events'),
  feature('tenure_months', 'profile', ['month'], 'months since sign-up, else since first seen', tenureMonths),
  feature('account_type_premium', 'profile', ['lifetime'], '1 for premium accounts', s =>
    accountIs(s, 'premium'),
  ),
  feature('account_type_enterprise', 'profile', ['lifetime'], '1 for enterprise accounts', s =>
    accountIs(s, 'enterprise'),
  ),
  feature('followers_count', 'lifetime', ['lifetime'], 'followers', followers),
  feature('following_count', 'lifetime', ['lifetime'], 'followed customers', s =>
    atLeast0(s.facts.life[LIFE.following]!),
  ),
  feature('total_connections', 'lifetime', ['lifetime'], 'connections', s =>
    atLeast0(s.facts.life[LIFE.connections]!),
  ),
  feature('posts_last_30_days', 'days', [30], 'own posts', s => s.days30[DAY.posts]!),
  feature('comments_last_30_days', 'days', [30], 'own comments', s => s.days30[DAY.comments]!),
  feature('shares_last_30_days', 'days', [30], 'own shares', s => s.days30[DAY.shares]!),
  feature('messages_sent_last_30_days', 'days', [30], 'own messages', s => s.days30[DAY.messages]!),
  feature('likes_received_last_30_days', 'days', [30], 'likes received', s => s.days30[DAY.likesReceived]!),
  feature(
    'profile_views_received',
    'days',
    [90],
    'profile views received',
    s => s.days90[DAY.profileViewsReceived]!,
  ),
  feature(
    'profile_completeness_pct',
    'profile',
    ['lifetime'],
    'completeness of the profile',
    completeness,
    'unknown',
  ),
  feature('skills_listed', 'profile', ['lifetime'], 'skills in the profile', skills, 'unknown'),
  feature(
    'content_virality_score',
    'derived',
    [30],
    '(10 shares + likes + 5 comments received) / max(1, followers), clipped to 0..1',
    virality,
  ),
  feature(
    'avg_sentiment_score',
    'days',
    [30],
    'mean sentiment of own content, -1..1',
    s => ratio(s.days30[DAY.sentimentMillionths]!, s.days30[DAY.contents]! * 1e6),
    'no content',
  ),
  feature(
    'swipe_like_ratio',
    'days',
    [30],
    'likes / swipes',
    s => ratio(s.days30[DAY.swipeLikes]!, s.days30[DAY.swipes]!),
    'no swipes',
  ),
  feature(
    'network_centrality',
    'attributes',
    ['lifetime'],
    'computed by a batch',
    s => s.facts.attributes?.networkCentrality ?? NaN,
    'not computed',
  ),
  feature(
    'avg_connection_strength',
    'attributes',
    ['lifetime'],
    'computed by a batch',
    s => s.facts.attributes?.avgConnectionStrength ?? NaN,
    'not computed',
  ),
  feature('active_gigs_count', 'lifetime', ['lifetime'], 'hired minus completed and cancelled', s =>
    atLeast0(
      s.facts.life[LIFE.gigHires]! - s.facts.life[LIFE.gigsCompleted]! - s.facts.life[LIFE.gigsCancelled]!,
    ),
  ),
  feature(
    'completed_gigs_count',
    'lifetime',
    ['lifetime'],
    'completed gigs',
    s => s.facts.life[LIFE.gigsCompleted]!,
  ),
  feature('gig_applications_sent', 'days', [90], 'applications sent', s => s.days90[DAY.applicationsSent]!),
  feature(
    'gig_applications_received',
    'days',
    [90],
    'applications received',
    s => s.days90[DAY.applicationsReceived]!,
  ),
  feature(
    'match_success_rate',
    'lifetime',
    ['lifetime'],
    'hires / applications sent, percent, at most 100',
    s => Math.min(100 * ratio(s.facts.life[LIFE.gigHires]!, s.facts.life[LIFE.applicationsSent]!), 100),
    'no applications',
  ),
  feature(
    'avg_gig_rating',
    'lifetime',
    ['lifetime'],
    'mean rating received, lifetime',
    s => ratio(s.facts.life[LIFE.ratingHundredths]!, s.facts.life[LIFE.ratings]! * 100),
    'no ratings',
  ),
  feature(
    'avg_job_completion_rating',
    'days',
    [90],
    'mean rating received',
    s => ratio(s.days90[DAY.ratingHundredths]!, s.days90[DAY.ratings]! * 100),
    'no ratings',
  ),
  feature('transaction_count_last_30_days', 'orders', [30], 'orders that count', s => s.orders.count30),
  feature(
    'transaction_revenue_30_day',
    'orders',
    [30],
    'net revenue',
    s => s.orders.netMinor30 / MINOR_PER_MAJOR,
  ),
  feature(
    'transaction_revenue_last_90_days',
    'orders',
    [90],
    'net revenue',
    s => s.orders.netMinor90 / MINOR_PER_MAJOR,
  ),
  feature(
    'avg_transaction_value',
    'orders',
    ['lifetime'],
    'net revenue / orders that count',
    s => ratio(s.orders.netMinor / MINOR_PER_MAJOR, s.orders.count),
    'no orders',
  ),
  feature('orders_lifetime', 'orders', ['lifetime'], 'orders that count', s => s.orders.count),
  feature(
    'order_days_lifetime',
    'orders',
    ['lifetime'],
    'distinct days of orders that count',
    s => s.orders.distinctDays,
  ),
  feature(
    'revenue_lifetime',
    'orders',
    ['lifetime'],
    'net revenue',
    s => s.orders.netMinor / MINOR_PER_MAJOR,
  ),
  feature(
    'refund_rate_lifetime',
    'orders',
    ['lifetime'],
    'refunded / gross money of all completed orders, each refund cut at its order',
    s => ratio(s.orders.refundedMinor, s.orders.grossMinor),
    'no gross money',
  ),
  feature(
    'days_since_last_order',
    'orders',
    ['age'],
    'age of the last order',
    daysSinceLastOrder,
    'no orders',
  ),
  feature(
    'days_since_first_order',
    'orders',
    ['age'],
    'age of the first order',
    s => (s.orders.count === 0 ? NaN : widenAge(dayOf(s.asOf) - s.orders.firstDay)),
    'no orders',
  ),
  feature(
    'order_gap_mean_days',
    'orders',
    ['lifetime'],
    '(last - first, in days) / (distinct order days - 1)',
    orderGapMeanDays,
    'fewer than two order days',
  ),
  feature(
    'order_recency_ratio',
    'derived',
    ['age'],
    'days since last order / mean gap',
    s => daysSinceLastOrder(s) / orderGapMeanDays(s),
    'no mean gap',
  ),
  feature('engagement_velocity', 'derived', [7, 30], '(sessions 7 - sessions 30 / 4) / sessions 30', s =>
    s.sessions30 === 0 ? 0 : (s.sessions7 - s.sessions30 / 4) / s.sessions30,
  ),
  feature(
    'social_influence_score',
    'derived',
    [30],
    'content virality × ln(followers + 1)',
    s => virality(s) * Math.log(followers(s) + 1),
  ),
  feature(
    'transaction_momentum',
    'derived',
    [30, 90],
    'revenue 30 / (revenue 90 / 3 + 1)',
    s => s.orders.netMinor30 / MINOR_PER_MAJOR / (s.orders.netMinor90 / MINOR_PER_MAJOR / 3 + 1),
  ),
  feature(
    'profile_quality_score',
    'derived',
    ['lifetime'],
    'completeness × skills / 100',
    s => (completeness(s) * skills(s)) / 100,
    'unknown',
  ),
  feature('activity_recency_score', 'derived', ['age'], '1 / (last login days ago + 1); 0 if never', s =>
    s.facts.lastOwnActivityAt === -Infinity ? 0 : 1 / (lastLoginDaysAgo(s) + 1),
  ),
  feature(
    'activity_trend',
    'derived',
    [7, 30],
    'active days 7 / 8 - active days 30 / 31',
    s => s.activeDays7 / 8 - s.activeDays30 / 31,
  ),
];

export interface FeatureLayout {
  readonly features: readonly { readonly name: string; readonly version: number }[];
}

export const LAYOUT: FeatureLayout = {
  features: CATALOGUE.map(({ name, version }) => ({ name, version })),
};

export const FEATURE_NAMES: readonly string[] = CATALOGUE.map(({ name }) => name);

/** Canonical JSON of a layout: what the fingerprint is the SHA-256 of. */
export const layoutJson = (layout: FeatureLayout = LAYOUT): string =>
  JSON.stringify({ features: layout.features.map(({ name, version }) => ({ name, version })) });
