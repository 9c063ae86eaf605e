/** One-line mutants of the rules: a law that lets one of them live is no law. */
import fc from 'fast-check';
import { broadHistory, edgeHistory } from './histories';
import type { History } from './histories';
import { brokenLaw } from './laws';
import { loadCore } from './mutated-core';
import type { Mutant } from './mutated-core';

const SEED = 77;
const CASES = 700;
const broad = fc.sample(broadHistory, { seed: SEED, numRuns: CASES });
const edges = fc.sample(edgeHistory, { seed: SEED, numRuns: CASES });

const catches = (histories: readonly History[], mutant: Mutant | null): string | null => {
  const core = loadCore(mutant);
  for (const history of histories) {
    const broken = attempt(() => brokenLaw(core, history));
    if (broken !== null) return broken;
  }
  return null;
};

/** A mutant that throws is caught as well. */
function attempt(check: () => string | null): string | null {
  try {
    return check();
  } catch (error) {
    return String(error);
  }
}

test('the core itself, loaded the same way, keeps every law', () => {
  expect(catches([...broad.slice(0, 300), ...edges.slice(0, 300)], null)).toBeNull();
});

test.each(mutants())('is caught: $rule ($file)', ({ only, ...mutant }) => {
  const [byEdges, byBroad] = [catches(edges, mutant), catches(broad, mutant)];
  if (process.env['RESCORE_SHOW_MUTANTS'] !== undefined) console.info(mutant.rule, { byEdges, byBroad });
  expect(byEdges ?? byBroad).not.toBeNull();
  if (only === 'edges') expect(byBroad).toBeNull();
});

function mutants(): (Mutant & { only?: 'edges' })[] {
  return [
    {
      rule: 'a gap of exactly 30 minutes starts a new session',
      only: 'edges',
      file: 'sessions.ts',
      from: '30 * MINUTE_MS',
      to: '30 * MINUTE_MS - 1',
    },
    {
      rule: 'ages widen a day late',
      file: 'calendar.ts',
      from: 'const DAILY_UNTIL = 30;',
      to: 'const DAILY_UNTIL = 31;',
    },
    {
      rule: 'months go on for ever',
      file: 'calendar.ts',
      from: 'const LAST_MONTH = 120;',
      to: 'const LAST_MONTH = 1_200;',
    },
    {
      rule: 'a window of 30 days has 29',
      file: 'summary.ts',
      from: '    if (day < today - 30) continue;\n    for',
      to: '    if (day <= today - 30) continue;\n    for',
    },
    {
      rule: 'active days of 90 reach one day further',
      file: 'summary.ts',
      from: 'days.lowerBound(today - 90)',
      to: 'days.lowerBound(today - 91)',
    },
    {
      rule: 'orders of 90 days end a day early',
      file: 'summary.ts',
      from: 'if (day > today || day < today - 90) return;',
      to: 'if (day > today || day <= today - 90) return;',
    },
    {
      rule: 'a cancellation at the instant of the revision loses',
      only: 'edges',
      file: 'orders.ts',
      from: 'orders.at(row, ORDER.cancelledAt) >= orders.at(row, ORDER.revisedAt)',
      to: 'orders.at(row, ORDER.cancelledAt) > orders.at(row, ORDER.revisedAt)',
    },
    {
      rule: 'an order is placed when it was completed last',
      file: 'orders.ts',
      from: 'at < orders.at(row, column)) orders.set',
      to: 'at > orders.at(row, column)) orders.set',
    },
    {
      rule: 'at one instant the smaller amount wins',
      only: 'edges',
      file: 'orders.ts',
      from: 'amountMinor > orders.at(row, ORDER.amountMinor)',
      to: 'amountMinor < orders.at(row, ORDER.amountMinor)',
    },
    {
      rule: 'refunds may exceed their order',
      file: 'orders.ts',
      from: 'worth.refundedMinor = Math.min(refunded, gross);',
      to: 'worth.refundedMinor = refunded;',
    },
    {
      rule: 'a copy after exactly 48 hours is no copy',
      file: 'recent-ids.ts',
      from: '- recordAt) <= HORIZON.duplicatesMs',
      to: '- recordAt) < HORIZON.duplicatesMs / 2',
    },
    {
      rule: 'ids are forgotten after two hours',
      file: 'recent-ids.ts',
      from: '< newest - HORIZON.duplicatesMs) ids.remove(row)',
      to: '< newest - HORIZON.duplicatesMs / 24) ids.remove(row)',
    },
    {
      rule: 'days are kept for 89 only',
      file: 'facts.ts',
      from: 'days: 93,',
      to: 'days: 89,',
    },
    {
      rule: 'sessions are kept for 29 days only',
      file: 'facts.ts',
      from: 'sessionsMs: 35 * DAY_MS',
      to: 'sessionsMs: 29 * DAY_MS',
    },
    {
      rule: 'the oldest profile wins',
      file: 'profile.ts',
      from: 'compareRegisters(held, added) >= 0',
      to: 'compareRegisters(held, added) <= 0',
    },
    {
      rule: 'followers are clamped where they are kept',
      file: 'activity.ts',
      from: '  if (adds.life !== undefined) life[adds.life[0]]! += adds.life[1];\n  if (dayAt >= 0 && adds.day',
      to: '  if (adds.life !== undefined) life[adds.life[0]] = Math.max(0, life[adds.life[0]]! + adds.life[1]);\n  if (dayAt >= 0 && adds.day',
    },
    {
      rule: 'validUntil forgets that ages step',
      file: 'change.ts',
      from: '    next = Math.min(next, nextAgeChange(facts.lastOwnActivityAt, asOf));',
      to: '    next = Math.min(next, NEVER);',
    },
    {
      rule: 'validUntil looks a day late at windows',
      file: 'change.ts',
      from: 'midnight(day + window + 1)',
      to: 'midnight(day + window + 2)',
    },
    {
      rule: 'the newest attributes lose',
      file: 'profile.ts',
      from: '  if (order >= 0) return;',
      to: '  if (order < 0 && held !== null) return;',
    },
    {
      rule: 'the last own activity is the one heard of last',
      file: 'fold.ts',
      from: 'facts.lastOwnActivityAt = Math.max(facts.lastOwnActivityAt, eventAt);',
      to: 'facts.lastOwnActivityAt = eventAt;',
    },
  ];
}
