/** Careless changes of the rules, one line each, by the file of the core that they are made in. */
import type { Mutant } from './mutated-core';

type Planted = Mutant & {
  /** The broad generator alone does not see it. */
  only?: 'edges';
};

const inFile = (file: string, ...planted: Omit<Planted, 'file'>[]): Planted[] =>
  planted.map(mutant => ({ ...mutant, file }));

const CALENDAR = inFile(
  'calendar.ts',
  { rule: 'ages widen a day late', from: 'const DAILY_UNTIL = 30;', to: 'const DAILY_UNTIL = 31;' },
  {
    rule: 'weeks of an age begin a day early',
    from: '31 + 7 * Math.floor((days - 31) / 7);',
    to: '31 + 7 * Math.floor((days - 30) / 7);',
  },
  { rule: 'months go on for ever', from: 'const LAST_MONTH = 120;', to: 'const LAST_MONTH = 1_200;' },
  {
    rule: 'a month that lacks the day runs over',
    from: 'Math.min(from.day, daysInMonth(year, month))',
    to: 'from.day',
  },
);

const SESSIONS = inFile(
  'sessions.ts',
  {
    rule: 'a gap of exactly 30 minutes starts a new session',
    only: 'edges',
    from: 'at <= end + gapMs',
    to: 'at < end + gapMs',
  },
  {
    rule: 'two sessions that a late event touches at the exact gap stay two',
    only: 'edges',
    from: 'spans.at(row + 1, SPAN.start) - spans.at(row, SPAN.end) <= gapMs',
    to: 'spans.at(row + 1, SPAN.start) - spans.at(row, SPAN.end) < gapMs',
  },
  {
    rule: 'a united session loses the counts of its second half',
    from: 'for (let column: number = SPAN.events; column < spans.width',
    to: 'for (let column: number = SPAN.pageViews; column < spans.width',
  },
  {
    rule: 'at one instant the smaller text is the exit page',
    only: 'edges',
    from: 'added.exit > held.exit',
    to: 'added.exit < held.exit',
  },
  {
    rule: 'pages are forgotten two days after the end, though the session may still grow',
    only: 'edges',
    from: 'end >= clock - REMEMBERED_MS ||',
    to: 'end >= clock - HORIZON.pagesMs ||',
  },
);

const SESSION_LOG = inFile(
  'session-log.ts',
  {
    rule: 'a published session is forgotten though it may still grow',
    from: 'holderEnd(facts, session) >= asOf - REMEMBERED_MS',
    to: 'session.end >= asOf - HORIZON.pagesMs',
  },
  {
    rule: 'a session supersedes itself',
    from: '    supersedes: inside\n      .filter(session => session.start !== startAt)',
    to: '    supersedes: inside\n      .filter(() => true)',
  },
  {
    rule: 'a session is closed before its grace is over',
    from: 'end + SESSION_GAP_MS + settings.sessionGraceMs <= asOf',
    to: 'end + SESSION_GAP_MS <= asOf',
  },
);

const WINDOWS = inFile(
  'summary.ts',
  {
    rule: 'a window of 30 days has 29',
    from: '    if (day < today - 30) continue;\n    for',
    to: '    if (day <= today - 30) continue;\n    for',
  },
  {
    rule: 'active days of 90 reach one day further',
    from: 'days.lowerBound(today - 90)',
    to: 'days.lowerBound(today - 91)',
  },
  {
    rule: 'a window of 26 weeks has 25',
    from: 'if (week >= thisWeek - 26)',
    to: 'if (week > thisWeek - 26)',
  },
  {
    rule: 'active days of 52 weeks reach a week further',
    from: 'weeks.lowerBound(thisWeek - 52)',
    to: 'weeks.lowerBound(thisWeek - 53)',
  },
  {
    rule: 'orders of 90 days end a day early',
    from: 'if (day > today || day < today - 90) return;',
    to: 'if (day > today || day <= today - 90) return;',
  },
  {
    rule: 'a session belongs to the day of its start',
    from: '    const day = dayOf(end);\n',
    to: '    const day = dayOf(sessions.at(row, SPAN.start));\n',
  },
  {
    rule: 'a session may be longer than a day',
    only: 'edges',
    from: 'Math.min(end - sessions.at(row, SPAN.start), DAY_MS)',
    to: 'end - sessions.at(row, SPAN.start)',
  },
  {
    rule: 'money of cancelled orders is left out of the refund rate',
    from: '      orders.refundedMinor += order.refundedMinor;\n      if (!order.counts) return;',
    to: '      if (!order.counts) return;\n      orders.refundedMinor += order.refundedMinor;',
  },
);

const CATALOGUE = inFile(
  'catalogue.ts',
  {
    rule: 'the largest hour wins a tie',
    from: 's.hours30[hour]! > s.hours30[peak]!',
    to: 's.hours30[hour]! >= s.hours30[peak]!',
  },
  {
    rule: 'more checkouts than cart adds make a negative rate',
    from: 'clip01(1 - s.days30',
    to: '(1 - s.days30',
  },
  {
    rule: 'a share received weighs nine',
    from: '10 * s.days30[DAY.sharesReceived]!',
    to: '9 * s.days30[DAY.sharesReceived]!',
  },
);

const VECTOR = inFile('vector.ts', {
  rule: 'a negative zero keeps its sign',
  from: '(value !== value ? NaN : value + 0)',
  to: '(value !== value ? NaN : value)',
});

const ORDERS = inFile(
  'orders.ts',
  {
    rule: 'a cancellation at the instant of the revision loses',
    only: 'edges',
    from: 'orders.at(row, ORDER.cancelledAt) >= orders.at(row, ORDER.revisedAt)',
    to: 'orders.at(row, ORDER.cancelledAt) > orders.at(row, ORDER.revisedAt)',
  },
  {
    rule: 'an order is placed when it was completed last',
    from: 'at < orders.at(row, column)) orders.set',
    to: 'at > orders.at(row, column)) orders.set',
  },
  {
    rule: 'at one instant the smaller amount wins',
    only: 'edges',
    from: 'amountMinor > orders.at(row, ORDER.amountMinor)',
    to: 'amountMinor < orders.at(row, ORDER.amountMinor)',
  },
  {
    rule: 'refunds may exceed their order',
    from: 'worth.refundedMinor = Math.min(refunded, gross);',
    to: 'worth.refundedMinor = refunded;',
  },
  {
    rule: 'a free order counts as refunded',
    from: '!(any && refunded >= gross)',
    to: '!(refunded >= gross)',
  },
  { rule: 'a refund that is told twice counts twice', from: 'if (!known) {', to: 'if (known || !known) {' },
);

const IDS = inFile(
  'recent-ids.ts',
  {
    rule: 'a copy after exactly 48 hours is no copy',
    from: '- recordAt) <= HORIZON.duplicatesMs',
    to: '- recordAt) < HORIZON.duplicatesMs',
    only: 'edges',
  },
  {
    rule: 'a message after more than 48 hours is still a copy',
    from: '- recordAt) <= HORIZON.duplicatesMs',
    to: '- recordAt) <= 2 * HORIZON.duplicatesMs',
  },
  {
    rule: 'ids of one topic hide those of another',
    from: 'cells[at + RECENT.source] !== source',
    to: 'cells[at + RECENT.source] === -1',
  },
  {
    rule: 'the clock of the fastest topic forgets the ids of all',
    from: 'clocks[ID_SOURCES[ids.at(row, RECENT.source)]!]',
    to: 'largestClock(clocks)',
  },
);

const HORIZONS = inFile(
  'facts.ts',
  { rule: 'days are kept for 92 only', from: 'days: 93,', to: 'days: 92,' },
  { rule: 'weeks are kept for 51 only', from: 'weeks: 53,', to: 'weeks: 51,' },
  {
    rule: 'sessions are kept for 34 days only',
    from: 'sessionsMs: 35 * DAY_MS',
    to: 'sessionsMs: 34 * DAY_MS',
  },
);

const WEEKS = inFile(
  'weeks.ts',
  { rule: 'weeks begin on Sunday', from: 'const MONDAY = 3;', to: 'const MONDAY = 4;' },
  {
    rule: 'a second active day of a week takes the place of the first',
    from: 'weeks.at(row, WEEK.activeDays) | (1',
    to: '0 * weeks.at(row, WEEK.activeDays) | (1',
  },
);

const REGISTERS = [
  ...inFile(
    'profile.ts',
    {
      rule: 'the oldest profile wins',
      from: 'compareRegisters(held, added) >= 0',
      to: 'compareRegisters(held, added) <= 0',
    },
    {
      rule: 'the newest attributes lose',
      from: '  if (order >= 0) return;',
      to: '  if (order < 0 && held !== null) return;',
    },
  ),
  ...inFile('activity.ts', {
    rule: 'followers are clamped where they are kept',
    from: '  if (adds.life !== undefined) life[adds.life[0]]! += adds.life[1];\n  if (dayAt >= 0 && adds.day',
    to: '  if (adds.life !== undefined) life[adds.life[0]] = Math.max(0, life[adds.life[0]]! + adds.life[1]);\n  if (dayAt >= 0 && adds.day',
  }),
  ...inFile('stored.ts', {
    rule: 'what an order was worth is lost on the way through the store',
    from: 'writer.byte(refunds.at(row, REFUND.whole));',
    to: 'writer.byte(0);',
  }),
  ...inFile('stored.ts', {
    rule: 'a silent week is lost on the way through the store',
    from: 'next = week + 1;\n  }\n}\n\nfunction weeksOfDays',
    to: 'next = next + 1;\n  }\n}\n\nfunction weeksOfDays',
  }),
];

const FOLD = inFile(
  'fold.ts',
  {
    rule: 'the last own activity is the one heard of last',
    from: 'facts.lastOwnActivityAt = Math.max(facts.lastOwnActivityAt, eventAt);',
    to: 'facts.lastOwnActivityAt = eventAt;',
  },
  {
    rule: 'a late input turns the clock back',
    from: 'if (to > facts.clock) {',
    to: 'if (to !== facts.clock) {',
  },
  { rule: 'old days are never forgotten', from: 'if (newDay) trimDays(facts);', to: 'if (newDay) void 0;' },
  { rule: 'old weeks are never forgotten', from: 'if (newDay) trimWeeks(facts);', to: 'if (newDay) void 0;' },
  {
    rule: 'revenue before refunds',
    from: 'revenueMinor: orders.netMinor',
    to: 'revenueMinor: orders.grossMinor',
  },
);

const CHANGE = inFile(
  'change.ts',
  {
    rule: 'validUntil forgets that ages step',
    from: '    next = Math.min(next, nextAgeChange(facts.lastOwnActivityAt, asOf));',
    to: '    next = Math.min(next, NEVER);',
  },
  {
    rule: 'validUntil looks a day late at windows',
    from: 'midnight(day + window + 1)',
    to: 'midnight(day + window + 2)',
  },
  {
    rule: 'validUntil forgets the windows of weeks',
    from: 'Math.min(nextDayChange(facts, asOf), nextWeekChange(facts, asOf))',
    to: 'nextDayChange(facts, asOf)',
  },
  {
    rule: 'validUntil looks a day early at weeks',
    from: 'midnight(firstDayOf(weeks.at(row, WEEK.week) + window + 1))',
    to: 'midnight(firstDayOf(weeks.at(row, WEEK.week) + window + 1) - 1)',
  },
  { rule: 'validUntil forgets ratings', from: '  DAY.ratings,\n', to: '' },
  {
    rule: 'validUntil takes a rating for something of 30 days',
    from: 'column === DAY.ratingHundredths) continue',
    to: 'column === DAY.day) continue',
  },
);

const RFM = inFile(
  'rfm.ts',
  {
    rule: 'orders weigh half of the frequency',
    from: '0.6 * normalise(orders',
    to: '0.5 * normalise(orders',
  },
  { rule: 'one order does not make a customer active', from: 'if (orders > 0)', to: 'if (orders > 1)' },
);

export const MUTANTS: readonly Planted[] = [
  CALENDAR,
  SESSIONS,
  SESSION_LOG,
  WINDOWS,
  CATALOGUE,
  VECTOR,
  ORDERS,
  IDS,
  HORIZONS,
  WEEKS,
  REGISTERS,
  FOLD,
  CHANGE,
  RFM,
].flat();
