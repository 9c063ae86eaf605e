/** The first midnight at which something in the vector may change with no event: found by looking at every one. */
import type { EpochMs } from '../../../schemas';
import { DAY_MS, NEVER } from '../../../schemas';
import { anniversaries, dayAt, stepped, weeksBack } from './calendar';
import type { Question } from './features';
import { ordersOf } from './orders';

/** What another customer did that a window of 30 days counts, and one of 90. Everything else counts in no day. */
const RECEIVED_30 = ['Post Liked', 'Comment Created', 'Post Shared'];
const RECEIVED_90 = ['Profile Viewed', 'Gig Application Submitted', 'Gig Rated'];
const LAST_STEP_DAYS = 4_000;

export function oracleValidUntil(question: Question): EpochMs {
  const today = dayAt(question.asOf);
  const marks = markedDays(question);
  const now = look(today, marks);
  for (let day = today + 1; day < today + LAST_STEP_DAYS; day++)
    if (look(day, marks) !== now) return day * DAY_MS;
  return NEVER;
}

interface MarkedDays {
  7: number[];
  30: number[];
  90: number[];
  own: number[];
  /** Days whose age shows: the last own activity, the first and the last order. */
  aging: number[];
  anniversaries: number[];
}

function markedDays({ history, hashOf }: Question): MarkedDays {
  const own = history.ownActivity.map(dayAt);
  const ends = history.sessions.map(({ end }) => dayAt(end));
  const orders = ordersOf(history.orderMessages)
    .filter(({ counts }) => counts)
    .map(({ placedAt }) => dayAt(placedAt));
  const received = (names: readonly string[]): number[] =>
    history.received
      .filter(({ name }) => names.includes(name))
      .filter(({ name, ratingHundredths }) => name !== 'Gig Rated' || ratingHundredths !== null)
      .map(({ eventAt }) => dayAt(eventAt));
  const sentOf90 = history.activities
    .filter(({ name }) => name === 'Gig Application Submitted')
    .map(({ eventAt }) => dayAt(eventAt));
  const since =
    history.profile(({ fields }) => fields.createdAt, hashOf) ?? Math.min(Infinity, ...history.seenAt);
  return {
    7: [...new Set([...own, ...ends])],
    30: [...new Set([...own, ...ends, ...orders, ...received(RECEIVED_30)])],
    90: [...new Set([...own, ...orders, ...received(RECEIVED_90), ...sentOf90])],
    own: [...new Set(own)],
    aging: [
      ...(own.length === 0 ? [] : [Math.max(...own)]),
      ...(orders.length === 0 ? [] : [Math.min(...orders), Math.max(...orders)]),
    ],
    anniversaries: since === Infinity ? [] : anniversaries(since).map(dayAt),
  };
}

/** Everything that time alone can move, as text. */
function look(today: number, marks: MarkedDays): string {
  const within = (days: readonly number[], window: number): number =>
    days.filter(day => day >= today - window).length;
  const inWeeks = (window: number): number => marks.own.filter(day => weeksBack(day, today) <= window).length;
  const months = marks.anniversaries.filter(day => day <= today).length;
  const ages = marks.aging.map(day => stepped(today - day));
  return [
    within(marks[7], 7),
    within(marks[30], 30),
    within(marks[90], 90),
    inWeeks(26),
    inWeeks(52),
    months,
    ...ages,
  ].join(' ');
}
