/** Every feature by nested loops, one entry each, named as in the layout. NaN = undefined. */
import type { EpochMs } from '../../../schemas';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../schemas';
import { age, dayAt, months, stepped, weeksBack } from './calendar';
import { isWithin } from './history';
import type { OracleHistory } from './history';
import { ordersOf } from './orders';
import type { OracleOrder } from './orders';

export interface Question {
  history: OracleHistory;
  asOf: EpochMs;
  /** The 64-bit hash that breaks ties between profile messages. */
  hashOf: (id: string) => readonly [number, number];
}

type Oracle = (question: Question) => number;

const clip01 = (value: number): number => Math.min(Math.max(value, 0), 1);
const ratio = (part: number, whole: number): number => (whole === 0 ? NaN : part / whole);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const distinct = (values: readonly number[]): number => new Set(values).size;

const sessionsIn = ({ history, asOf }: Question, days: number) =>
  history.sessions.filter(({ end }) => isWithin(end, asOf, days));
const eventsIn = ({ history, asOf }: Question, days: number) =>
  history.activities.filter(({ eventAt }) => isWithin(eventAt, asOf, days));
const activeDaysIn = ({ history, asOf }: Question, days: number): number =>
  distinct(history.ownActivity.filter(at => isWithin(at, asOf, days)).map(dayAt));
const activeDaysInWeeks = ({ history, asOf }: Question, weeks: number): number =>
  distinct(
    history.ownActivity.map(dayAt).filter(day => day <= dayAt(asOf) && weeksBack(day, dayAt(asOf)) <= weeks),
  );
const did = (question: Question, days: number, ...names: string[]): number =>
  eventsIn(question, days).filter(({ name }) => names.includes(name)).length;
const everDid = ({ history }: Question, name: string): number =>
  history.activities.filter(activity => activity.name === name).length;
const got = ({ history, asOf }: Question, days: number, name: string): number =>
  history.received.filter(received => received.name === name && isWithin(received.eventAt, asOf, days))
    .length;
const everGot = ({ history }: Question, name: string): number =>
  history.received.filter(received => received.name === name).length;
const ratingsIn = ({ history, asOf }: Question, days: number): number[] =>
  history.received.flatMap(({ name, ratingHundredths, eventAt }) =>
    name === 'Gig Rated' && ratingHundredths !== null && (days === Infinity || isWithin(eventAt, asOf, days))
      ? [ratingHundredths]
      : [],
  );

const completed = ({ history }: Question): OracleOrder[] => ordersOf(history.orderMessages);
const counting = (question: Question): OracleOrder[] => completed(question).filter(({ counts }) => counts);
const countingIn = (question: Question, days: number): OracleOrder[] =>
  counting(question).filter(({ placedAt }) => isWithin(placedAt, question.asOf, days));
const netMinor = (orders: readonly OracleOrder[]): number =>
  sum(orders.map(({ grossMinor, refundedMinor }) => grossMinor - refundedMinor));
const orderDays = (question: Question): number[] => counting(question).map(({ placedAt }) => dayAt(placedAt));

const lastLogin: Oracle = ({ history, asOf }) =>
  history.ownActivity.length === 0 ? NaN : age(Math.max(...history.ownActivity), asOf);
const sinceLastOrder: Oracle = q =>
  orderDays(q).length === 0 ? NaN : stepped(dayAt(q.asOf) - Math.max(...orderDays(q)));
const orderGap: Oracle = q => {
  const days = orderDays(q);
  return distinct(days) < 2 ? NaN : (Math.max(...days) - Math.min(...days)) / (distinct(days) - 1);
};
const followers: Oracle = q => Math.max(0, everGot(q, 'User Followed') - everGot(q, 'User Unfollowed'));
const virality: Oracle = q =>
  clip01(
    (10 * got(q, 30, 'Post Shared') + got(q, 30, 'Post Liked') + 5 * got(q, 30, 'Comment Created')) /
      Math.max(1, followers(q)),
  );
const completeness: Oracle = ({ history, hashOf }) =>
  history.profile(({ fields }) => fields.profileCompleteness, hashOf) ?? NaN;
const skills: Oracle = ({ history, hashOf }) => history.profile(({ fields }) => fields.skills, hashOf) ?? NaN;
const accountIs =
  (type: string): Oracle =>
  ({ history, hashOf }) =>
    history.profile(({ fields }) => fields.accountType, hashOf) === type ? 1 : 0;

const tenure: Oracle = ({ history, asOf, hashOf }) => {
  const since =
    history.profile(({ fields }) => fields.createdAt, hashOf) ?? Math.min(Infinity, ...history.seenAt);
  return since === Infinity ? 0 : months(since, asOf);
};

const peakHour: Oracle = q => {
  if (eventsIn(q, 30).length === 0) return NaN;
  const own = q.history.ownActivity.filter(at => isWithin(at, q.asOf, 30));
  const daysWith = Array.from({ length: 24 }, (_, hour) =>
    distinct(own.filter(at => Math.floor((at % DAY_MS) / HOUR_MS) === hour).map(dayAt)),
  );
  return daysWith.indexOf(Math.max(...daysWith));
};

const newestAttributes = ({ history }: Question) =>
  [...history.attributes].sort(
    (a, b) =>
      b.computedAt - a.computedAt ||
      (b.networkCentrality ?? -Infinity) - (a.networkCentrality ?? -Infinity) ||
      (b.avgConnectionStrength ?? -Infinity) - (a.avgConnectionStrength ?? -Infinity),
  )[0];

const CONTENT = ['Post Created', 'Comment Created', 'Post Shared', 'Message Sent'];

export const ORACLE: Readonly<Record<string, Oracle>> = {
  sessions_last_7_days: q => sessionsIn(q, 7).length,
  sessions_last_30_days: q => sessionsIn(q, 30).length,
  session_duration_avg_minutes: q => {
    const lengths = sessionsIn(q, 30).map(({ start, end }) => Math.min(end - start, DAY_MS));
    return ratio(sum(lengths) / MINUTE_MS, lengths.length);
  },
  last_login_days_ago: lastLogin,
  active_days_last_7_days: q => activeDaysIn(q, 7),
  active_days_last_30_days: q => activeDaysIn(q, 30),
  active_days_last_90_days: q => activeDaysIn(q, 90),
  active_days_last_26_weeks: q => activeDaysInWeeks(q, 26),
  active_days_last_52_weeks: q => activeDaysInWeeks(q, 52),
  events_last_7_days: q => eventsIn(q, 7).length,
  events_last_30_days: q => eventsIn(q, 30).length,
  page_views_last_30_days: q => did(q, 30, 'page', 'screen'),
  product_views_last_30_days: q => did(q, 30, 'Product Viewed'),
  cart_adds_last_30_days: q => did(q, 30, 'Product Added'),
  checkouts_last_30_days: q => did(q, 30, 'Checkout Started'),
  cart_abandonment_rate_last_30_days: q => {
    const adds = did(q, 30, 'Product Added');
    return adds === 0 ? NaN : clip01(1 - did(q, 30, 'Checkout Started') / adds);
  },
  weekend_usage_pct: q => {
    const events = eventsIn(q, 30);
    const weekend = events.filter(({ eventAt }) => [0, 6].includes(new Date(eventAt).getUTCDay()));
    return 100 * ratio(weekend.length, events.length);
  },
  mobile_usage_pct: q => {
    const events = eventsIn(q, 30);
    return 100 * ratio(events.filter(({ mobile }) => mobile).length, events.length);
  },
  peak_activity_hour: peakHour,
  tenure_months: tenure,
  account_type_premium: accountIs('premium'),
  account_type_enterprise: accountIs('enterprise'),
  followers_count: followers,
  following_count: q => Math.max(0, everDid(q, 'User Followed') - everDid(q, 'User Unfollowed')),
  total_connections: q =>
    Math.max(
      0,
      everDid(q, 'Connection Accepted') +
        everGot(q, 'Connection Accepted') -
        everDid(q, 'Connection Removed') -
        everGot(q, 'Connection Removed'),
    ),
  posts_last_30_days: q => did(q, 30, 'Post Created'),
  comments_last_30_days: q => did(q, 30, 'Comment Created'),
  shares_last_30_days: q => did(q, 30, 'Post Shared'),
  messages_sent_last_30_days: q => did(q, 30, 'Message Sent'),
  likes_received_last_30_days: q => got(q, 30, 'Post Liked'),
  profile_views_received: q => got(q, 90, 'Profile Viewed'),
  profile_completeness_pct: completeness,
  skills_listed: skills,
  content_virality_score: virality,
  avg_sentiment_score: q => {
    const said = eventsIn(q, 30).flatMap(({ name, sentimentMillionths }) =>
      CONTENT.includes(name) && sentimentMillionths !== null ? [sentimentMillionths] : [],
    );
    return ratio(sum(said), said.length * 1e6);
  },
  swipe_like_ratio: q => {
    const swipes = eventsIn(q, 30).filter(({ name }) => name === 'Profile Swiped');
    return ratio(swipes.filter(({ liked }) => liked).length, swipes.length);
  },
  network_centrality: q => newestAttributes(q)?.networkCentrality ?? NaN,
  avg_connection_strength: q => newestAttributes(q)?.avgConnectionStrength ?? NaN,
  active_gigs_count: q =>
    Math.max(0, everGot(q, 'Gig Hired') - everGot(q, 'Gig Completed') - everGot(q, 'Gig Cancelled')),
  completed_gigs_count: q => everGot(q, 'Gig Completed'),
  gig_applications_sent: q => did(q, 90, 'Gig Application Submitted'),
  gig_applications_received: q => got(q, 90, 'Gig Application Submitted'),
  match_success_rate: q =>
    Math.min(100 * ratio(everGot(q, 'Gig Hired'), everDid(q, 'Gig Application Submitted')), 100),
  avg_gig_rating: q => ratio(sum(ratingsIn(q, Infinity)), ratingsIn(q, Infinity).length * 100),
  avg_job_completion_rating: q => ratio(sum(ratingsIn(q, 90)), ratingsIn(q, 90).length * 100),
  transaction_count_last_30_days: q => countingIn(q, 30).length,
  transaction_revenue_30_day: q => netMinor(countingIn(q, 30)) / 100,
  transaction_revenue_last_90_days: q => netMinor(countingIn(q, 90)) / 100,
  avg_transaction_value: q => ratio(netMinor(counting(q)) / 100, counting(q).length),
  orders_lifetime: q => counting(q).length,
  order_days_lifetime: q => distinct(orderDays(q)),
  revenue_lifetime: q => netMinor(counting(q)) / 100,
  refund_rate_lifetime: q =>
    ratio(
      sum(completed(q).map(({ refundedMinor }) => refundedMinor)),
      sum(completed(q).map(({ grossMinor }) => grossMinor)),
    ),
  days_since_last_order: sinceLastOrder,
  days_since_first_order: q =>
    orderDays(q).length === 0 ? NaN : stepped(dayAt(q.asOf) - Math.min(...orderDays(q))),
  order_gap_mean_days: orderGap,
  order_recency_ratio: q => sinceLastOrder(q) / orderGap(q),
  engagement_velocity: q => {
    const [week, month] = [sessionsIn(q, 7).length, sessionsIn(q, 30).length];
    return month === 0 ? 0 : (week - month / 4) / month;
  },
  social_influence_score: q => virality(q) * Math.log(followers(q) + 1),
  transaction_momentum: q => netMinor(countingIn(q, 30)) / 100 / (netMinor(countingIn(q, 90)) / 100 / 3 + 1),
  profile_quality_score: q => (completeness(q) * skills(q)) / 100,
  activity_recency_score: q => (q.history.ownActivity.length === 0 ? 0 : 1 / (lastLogin(q) + 1)),
  activity_trend: q => activeDaysIn(q, 7) / 8 - activeDaysIn(q, 30) / 31,
};
