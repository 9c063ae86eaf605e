import type { EpochMs } from '../../schemas';
import { DAY_MS, midnight, dayOf } from '../../schemas';
import { interpret } from './interpret';
import { newLedger } from './ledger';
import type { ScoreLedger } from './ledger';
import { DEFAULT_SETTINGS } from './settings';
import { CONSTANTS } from './testing/inputs';
import type { Evaluation, RawScores } from './types';

const T0 = midnight(dayOf(Date.UTC(2026, 2, 1)));

const evaluation = (asOf: EpochMs, more: Partial<Evaluation> = {}): Evaluation => ({
  customerId: 'c1',
  asOf,
  validUntil: asOf + DAY_MS,
  cause: 'event',
  lastOwnActivityAt: asOf,
  orders: 0,
  revenueMinor: 0,
  daysSinceLastOrder: null,
  sessionsLast30Days: 1,
  vectorHash: '0'.repeat(16),
  ...more,
});

const position = {
  partition: 0,
  'web-events': 1,
  orders: 0,
  customers: 0,
  'customer-commands': 0,
  'customer-mail': 0,
};

function say(ledger: ScoreLedger, raw: Partial<RawScores>, asOf: EpochMs, more: Partial<Evaluation> = {}) {
  const scores = { engagement: 0.5, churn: 0.1, ltv: 0, ...raw };
  return interpret(scores, evaluation(asOf, more), ledger, CONSTANTS, DEFAULT_SETTINGS, {
    epoch: 3,
    position,
  });
}
const kinds = (said: ReturnType<typeof say>): string[] =>
  said.alerts.map(({ kind, state }) => `${kind} ${state}`);

describe('what publishes', () => {
  test('the first score does, an unmoved one does not, a moved one does', () => {
    const ledger = newLedger();
    expect(say(ledger, {}, T0).score).toMatchObject({ epoch: 3, sequence: 1, engagement: 0.5 });
    expect(say(ledger, { engagement: 0.5049 }, T0 + 1).score).toBeNull();
    expect(say(ledger, { engagement: 0.505 }, T0 + 2).score).toMatchObject({ sequence: 3 });
  });
  test('a drift of small steps publishes, as it is measured from the last published', () => {
    const ledger = newLedger();
    say(ledger, { churn: 0.1 }, T0);
    expect(say(ledger, { churn: 0.103 }, T0 + 1).score).toBeNull();
    expect(say(ledger, { churn: 0.106 }, T0 + 2).score).not.toBeNull();
  });
  test('a command always publishes, a change of status always publishes', () => {
    const ledger = newLedger();
    say(ledger, {}, T0);
    expect(say(ledger, {}, T0 + 1, { cause: 'command' }).score).not.toBeNull();
    expect(say(ledger, {}, T0 + 2, { sessionsLast30Days: 0 }).score).toMatchObject({ status: 'notActive' });
  });
  test('ltv is exact money to date plus what is expected', () => {
    expect(say(newLedger(), { ltv: 12.345 }, T0, { revenueMinor: 999 }).score!.ltvMinor).toBe(999 + 1235);
  });
});

describe('alerts', () => {
  test('churnRisk is raised at 0.70 and cleared below 0.60', () => {
    const ledger = newLedger();
    expect(kinds(say(ledger, { churn: 0.69 }, T0))).toEqual([]);
    expect(kinds(say(ledger, { churn: 0.7 }, T0 + 1))).toEqual(['churnRisk raised']);
    expect(kinds(say(ledger, { churn: 0.6 }, T0 + 2))).toEqual([]);
    expect(kinds(say(ledger, { churn: 0.59 }, T0 + 3))).toEqual(['churnRisk cleared']);
  });
  test('inactive is raised at the midnight at which the age becomes 31 and says so in words', () => {
    const ledger = newLedger();
    const lastOwnActivityAt = T0 + 5_000;
    expect(kinds(say(ledger, {}, T0 + 31 * DAY_MS - 1, { lastOwnActivityAt }))).toEqual([]);
    const raised = say(ledger, {}, T0 + 31 * DAY_MS, { lastOwnActivityAt });
    expect(raised.alerts).toMatchObject([{ kind: 'inactive', state: 'raised', since: T0 + 31 * DAY_MS }]);
    expect(raised.alerts[0]!.sentence).toContain('last active on 2026-03-01');
    expect(raised.score).not.toBeNull();
    expect(kinds(say(ledger, {}, T0 + 40 * DAY_MS, { lastOwnActivityAt: T0 + 2 * DAY_MS }))).toEqual([]);
    const cleared = say(ledger, {}, T0 + 41 * DAY_MS);
    expect(cleared.alerts).toMatchObject([{ state: 'cleared', alertId: raised.alerts[0]!.alertId }]);
  });
  test('a first activity that is already older than 30 days raises inactive since its own midnight', () => {
    const said = say(newLedger(), {}, T0 + 50 * DAY_MS, { lastOwnActivityAt: T0 });
    expect(said.alerts).toMatchObject([{ kind: 'inactive', since: T0 + 31 * DAY_MS }]);
  });
  test('who was never active is never inactive', () =>
    expect(kinds(say(newLedger(), {}, T0, { lastOwnActivityAt: null }))).toEqual([]));
  test('engagementDrop compares with the last eight day ends and clears at the midpoint', () => {
    const ledger = newLedger();
    say(ledger, { engagement: 0.8 }, T0);
    expect(kinds(say(ledger, { engagement: 0.3 }, T0 + 1))).toEqual([]);
    say(ledger, { engagement: 0.8 }, T0 + 2);
    expect(kinds(say(ledger, { engagement: 0.61 }, T0 + DAY_MS))).toEqual([]);
    expect(kinds(say(ledger, { engagement: 0.6 }, T0 + DAY_MS + 1))).toEqual(['engagementDrop raised']);
    expect(kinds(say(ledger, { engagement: 0.69 }, T0 + 2 * DAY_MS))).toEqual([]);
    expect(kinds(say(ledger, { engagement: 0.71 }, T0 + 2 * DAY_MS + 1))).toEqual(['engagementDrop cleared']);
  });
  test('engagementDrop ends after seven days and is not raised again by the same drop', () => {
    const ledger = newLedger();
    say(ledger, { engagement: 0.8 }, T0);
    expect(kinds(say(ledger, { engagement: 0.3 }, T0 + DAY_MS))).toEqual(['engagementDrop raised']);
    expect(kinds(say(ledger, { engagement: 0.3 }, T0 + 8 * DAY_MS))).toEqual(['engagementDrop cleared']);
    expect(kinds(say(ledger, { engagement: 0.3 }, T0 + 8 * DAY_MS + 1))).toEqual([]);
  });
  test('vipAtRisk needs churnRisk and a top decile value, and clears with either', () => {
    const ledger = newLedger();
    const rich = { revenueMinor: 100_000 };
    expect(kinds(say(ledger, { churn: 0.8 }, T0, rich))).toEqual(['churnRisk raised', 'vipAtRisk raised']);
    expect(kinds(say(ledger, { churn: 0.8 }, T0 + 1, { revenueMinor: 90_000 }))).toEqual([]);
    expect(kinds(say(ledger, { churn: 0.8 }, T0 + 2, { revenueMinor: 89_999 }))).toEqual([
      'vipAtRisk cleared',
    ]);
    expect(kinds(say(ledger, { churn: 0.8 }, T0 + 3, rich))).toEqual(['vipAtRisk raised']);
    expect(kinds(say(ledger, { churn: 0.1 }, T0 + 4, rich))).toEqual([
      'churnRisk cleared',
      'vipAtRisk cleared',
    ]);
  });
});
