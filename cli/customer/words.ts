/** Facts of a customer as sentences for a person. Everything said here is read off the facts, nothing is guessed. */
import { nextWake, nextChange, type CoreSettings, type Customer } from '../../processors/core';
import { dayOf, NEVER, type EpochMs } from '../../schemas';
import { count, instant, money } from '../output/format';

const days = (from: EpochMs, asOf: EpochMs): string => {
  const whole = Math.max(0, dayOf(asOf) - dayOf(from));
  return whole === 0 ? 'the same day' : whole === 1 ? '1 day before' : `${count(whole)} days before`;
};
const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

type Features = Readonly<Record<string, number | null>>;

function activityWords({ facts }: Customer, features: Features, asOf: EpochMs): string[] {
  const said: string[] = [];
  if (Number.isFinite(facts.firstSeenAt)) said.push(`First seen ${instant(facts.firstSeenAt)}.`);
  said.push(
    Number.isFinite(facts.lastOwnActivityAt)
      ? `Last active ${instant(facts.lastOwnActivityAt)}, ${days(facts.lastOwnActivityAt, asOf)}.`
      : 'Never active.',
  );
  const sessions = features['sessions_last_30_days'] ?? 0;
  const minutes = features['session_duration_avg_minutes'];
  said.push(
    sessions === 0
      ? 'No session in the last 30 days.'
      : `${plural(sessions, 'session')} in the last 30 days, ${features['sessions_last_7_days'] ?? 0} of them in the last 7` +
          `${minutes === null ? '' : `; ${minutes.toFixed(1)} minutes on average`}; ` +
          `${plural(features['events_last_30_days'] ?? 0, 'event')} on ${plural(features['active_days_last_30_days'] ?? 0, 'day')}.`,
  );
  return said;
}

function orderWords(features: Features, settings: CoreSettings): string[] {
  const orders = features['orders_lifetime'] ?? 0;
  if (orders === 0) return ['No order that counts.'];
  const amount = (name: string): string => money(Math.round(100 * (features[name] ?? 0)), settings.currency);
  const last = features['days_since_last_order'];
  const gap = features['order_gap_mean_days'];
  return [
    `${plural(orders, 'order')} on ${plural(features['order_days_lifetime'] ?? 0, 'day')}, ${amount('revenue_lifetime')} net of refunds; ` +
      `${amount('transaction_revenue_last_90_days')} of it in the last 90 days.`,
    `The last order was ${last === 0 || last === null ? 'placed the same day' : `${last} days ago${last > 30 ? ' or up to a step more (ages above 30 days go in steps)' : ''}`}` +
      `${gap === null ? '.' : `; usually ${gap.toFixed(1)} days lie between two days with orders.`}`,
  ];
}

function profileWords({ facts: { profile } }: Customer): string[] {
  const parts = [
    profile.createdAt && `signed up ${instant(profile.createdAt.value)}`,
    profile.accountType && `${profile.accountType.value} account`,
    profile.location && `${profile.location.value} location`,
    profile.profileCompleteness && `profile ${profile.profileCompleteness.value} % complete`,
    profile.skills && plural(profile.skills.value, 'skill'),
  ].filter(part => part !== undefined);
  return parts.length === 0 ? ['No profile is known.'] : [`Profile: ${parts.join(', ')}.`];
}

/** What time alone will do next, and why. */
export function nextWords(customer: Customer, asOf: EpochMs, settings: CoreSettings): string[] {
  const next = nextChange(customer, asOf, settings);
  const said: string[] = [];
  if (next.sessionCloseAt < NEVER)
    said.push(`A session closes at ${instant(Math.max(next.sessionCloseAt, asOf))} if nothing more happens.`);
  said.push(
    next.validUntil === NEVER
      ? 'Without a new input nothing changes any more.'
      : `Without a new input every feature stays the same until ${instant(next.validUntil)}; then a day leaves a window or an age takes its next step.`,
  );
  if (next.dropAt < NEVER)
    said.push(`An anonymous customer: forgotten at ${instant(next.dropAt)} if silent until then.`);
  const wake = nextWake(customer, settings);
  if (wake < NEVER) said.push(`Due for rescoring at ${instant(wake)}.`);
  return said;
}

export const customerInWords = (
  customer: Customer,
  features: Features,
  asOf: EpochMs,
  settings: CoreSettings,
): string[] => [
  ...activityWords(customer, features, asOf),
  ...orderWords(features, settings),
  ...profileWords(customer),
];
