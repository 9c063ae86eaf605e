/**
 * The words beside the catalogue: each feature with a value, as a part of a sentence; and what models speak about.
 * A feature of the catalogue without words, or words without a feature, fail a test.
 */

/** `value` is null where the feature is undefined; money is in major units of `currency`. */
type Words = (value: number | null, currency: string) => string;

const number = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toFixed(Math.abs(value) < 10 ? 2 : 1)));

/** `no session in the last 7 days`, `1 session …`, `3 sessions …`. */
const counted =
  (one: string, many: string, when = ''): Words =>
  value => {
    const count = number(value ?? 0);
    const noun = count === '1' ? one : many;
    return `${count === '0' ? `no ${one}` : `${count} ${noun}`}${when === '' ? '' : ` ${when}`}`;
  };
/** `text` with `#` for the number; `absent` where there is none. */
const told =
  (text: string, absent = 'unknown'): Words =>
  value =>
    value === null ? absent : text.replace('#', number(value));
const money =
  (text: string, absent = 'no order so far'): Words =>
  (value, currency) =>
    value === null ? absent : text.replace('#', `${value.toFixed(2)} ${currency}`);
const eitherOr =
  (yes: string, no: string): Words =>
  value =>
    value === 1 ? yes : no;
const percentOf =
  (text: string, absent: string, whole = 1): Words =>
  value =>
    value === null ? absent : text.replace('#', `${Math.round((100 * value) / whole)} %`);
/** Ages above 30 days go in steps, so they say `about`. */
const ago =
  (what: string, absent: string): Words =>
  value => {
    if (value === null) return absent;
    if (value === 0) return `${what} on the same day`;
    return `${what} ${value > 30 ? 'about ' : ''}${number(value)} ${value === 1 ? 'day' : 'days'} ago`;
  };

const WEEK = 'in the last 7 days';
const MONTH = 'in the last 30 days';
const QUARTER = 'in the last 90 days';
const HALF_YEAR = 'in the last 26 weeks';
const YEAR = 'in the last 52 weeks';

export const FEATURE_WORDS: Readonly<Record<string, Words>> = {
  sessions_last_7_days: counted('session', 'sessions', WEEK),
  sessions_last_30_days: counted('session', 'sessions', MONTH),
  session_duration_avg_minutes: told('sessions of # minutes on average', 'no session to measure'),
  last_login_days_ago: ago('last active', 'never active'),
  active_days_last_7_days: counted('active day', 'active days', WEEK),
  active_days_last_30_days: counted('active day', 'active days', MONTH),
  active_days_last_90_days: counted('active day', 'active days', QUARTER),
  active_days_last_26_weeks: counted('active day', 'active days', HALF_YEAR),
  active_days_last_52_weeks: counted('active day', 'active days', YEAR),
  events_last_7_days: counted('event', 'events', WEEK),
  events_last_30_days: counted('event', 'events', MONTH),
  page_views_last_30_days: counted('page view', 'page views', MONTH),
  product_views_last_30_days: counted('product view', 'product views', MONTH),
  cart_adds_last_30_days: counted('product put into the cart', 'products put into the cart', MONTH),
  checkouts_last_30_days: counted('checkout started', 'checkouts started', MONTH),
  cart_abandonment_rate_last_30_days: percentOf(
    '# of what went into the cart was left there',
    'no cart to leave',
  ),
  weekend_usage_pct: percentOf('# of the events at weekends', 'no event on any weekday', 100),
  mobile_usage_pct: percentOf('# of the events from mobile devices', 'no event from any device', 100),
  peak_activity_hour: told('mostly active at # h UTC', 'no usual hour of activity'),
  tenure_months: counted('full month since sign-up', 'full months since sign-up'),
  account_type_premium: eitherOr('a premium account', 'no premium account'),
  account_type_enterprise: eitherOr('an enterprise account', 'no enterprise account'),
  followers_count: counted('follower', 'followers'),
  following_count: counted('followed customer', 'followed customers'),
  total_connections: counted('connection', 'connections'),
  posts_last_30_days: counted('post', 'posts', MONTH),
  comments_last_30_days: counted('comment', 'comments', MONTH),
  shares_last_30_days: counted('share', 'shares', MONTH),
  messages_sent_last_30_days: counted('message sent', 'messages sent', MONTH),
  likes_received_last_30_days: counted('like received', 'likes received', MONTH),
  profile_views_received: counted('view of the profile', 'views of the profile', QUARTER),
  profile_completeness_pct: told('a profile that is # % complete', 'a profile of unknown completeness'),
  skills_listed: told('skills in the profile: #', 'no list of skills'),
  content_virality_score: told('a virality of # out of 1'),
  avg_sentiment_score: told('a mood of # in own content, from -1 to 1', 'no content with a mood'),
  swipe_like_ratio: percentOf('# of the swipes were likes', 'no swipes'),
  network_centrality: told('a network centrality of #', 'no network centrality known'),
  avg_connection_strength: told('an average connection strength of #', 'no connection strength known'),
  active_gigs_count: counted('active gig', 'active gigs'),
  completed_gigs_count: counted('completed gig', 'completed gigs'),
  gig_applications_sent: counted('gig application sent', 'gig applications sent', QUARTER),
  gig_applications_received: counted('gig application received', 'gig applications received', QUARTER),
  match_success_rate: percentOf('# of the applications led to a hire', 'no application to judge by', 100),
  avg_gig_rating: told('a rating of # on average', 'never rated'),
  avg_job_completion_rating: told(
    'a rating of # on average in the last 90 days',
    'not rated in the last 90 days',
  ),
  transaction_count_last_30_days: counted('order', 'orders', MONTH),
  transaction_revenue_30_day: money('# of revenue in the last 30 days'),
  transaction_revenue_last_90_days: money('# of revenue in the last 90 days'),
  avg_transaction_value: money('# per order on average', 'no order to take an average of'),
  orders_lifetime: counted('order', 'orders', 'so far'),
  order_days_lifetime: counted('day with an order', 'days with an order', 'so far'),
  revenue_lifetime: money('# of revenue so far'),
  refund_rate_lifetime: percentOf('# of the order value refunded', 'nothing that could be refunded'),
  days_since_last_order: ago('last order', 'no last order'),
  days_since_first_order: ago('first order', 'no first order'),
  order_gap_mean_days: told('# days between orders on average', 'no second day with an order'),
  order_recency_ratio: told('silent for # times the usual gap between orders', 'no usual gap between orders'),
  engagement_velocity: told('a weekly change in sessions of #'),
  social_influence_score: told('a social influence of #'),
  transaction_momentum: told('a revenue of this month that is # times the monthly average'),
  profile_quality_score: told('a profile quality of #', 'a profile of unknown quality'),
  activity_recency_score: told('an activity recency of # out of 1'),
  activity_trend: told('a change of # in the share of active days'),
};

/** What a model speaks about: contributions raise or lower it. */
export const MODEL_WORDS: Readonly<Record<string, string>> = {
  engagement: 'the expected activity',
  churn: 'the risk of churn',
  ltv: 'the expected revenue',
};
