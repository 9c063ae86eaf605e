/** Inputs that no model may have, and groups that a model treats unlike: both sides of every limit. */
import { readFileSync } from 'node:fs';
import { FEATURE_NAMES } from '../../processors/core';
import type { Evaluation, Manifest } from '../registry/manifest';
import { GATE_LIMITS } from '../testing/artifacts';
import { SCORING, EVALUATION, FAIR, MANIFEST, challenger } from '../testing/challengers';
import type { Attribute } from '../testing/challengers';
import { judge } from './gate';
import type { Challenger } from './gate';
import { prohibitedWord } from './prohibited';

const reasons = (one: Challenger): readonly string[] => judge(one, SCORING, GATE_LIMITS).reasons;
const unfair = (more: Partial<Attribute>): Partial<Evaluation> => ({
  fairness: { age: { ...FAIR, ...more } },
});
const told = (feature: string, auc: number): Partial<Evaluation> => ({
  proxies: { gender: { feature, group: 'male', auc, allFeatures: { group: 'male', auc: 0.99 } } },
});

const drifting = (name: string): Partial<Manifest> => ({
  quantiles: { score: [], features: { [name]: { undefinedShare: 0, values: [] } } },
});
/** Beyond each limit, with a chance. */
const BEYOND: [string, (chance: number) => Partial<Attribute>, string][] = [
  [
    'the 80 % rule',
    chance => ({ selectionRatio: 0.71, selectionRatioChance: chance }),
    'age: the least selected group over the most selected is 0.71 (by chance in 1 of 100), at least 0.8 is fair',
  ],
  [
    'equalized odds',
    chance => ({ equalizedOddsDifference: 0.2, equalizedOddsChance: chance }),
    'age: the equalized odds difference is 0.2 (by chance in 1 of 100), at most 0.1 is fair',
  ],
  [
    'calibration by group',
    chance => ({ calibrationError: 0.07, calibrationErrorChance: chance }),
    'age: the calibration error of the worst group is 0.07 (by chance in 1 of 100), it must lie below 0.05',
  ],
];
test.each(BEYOND)(
  '%s: groups that differ by chance alone are let through; others are not, and the words say how rare it is',
  (_what, differing, said) => {
    const ofAges = (chance: number) => challenger({}, unfair(differing(chance)));
    expect(judge(ofAges(0.011), SCORING, GATE_LIMITS).decision).toBe('promote');
    expect(reasons(ofAges(0.01))).toEqual([said]);
    const { decision } = judge(ofAges(0.04), SCORING, { ...GATE_LIMITS, fairnessChance: 0.05 });
    expect(decision).toBe('reject');
  },
);

/** On the limit, then just beyond it, and the words of the refusal. */
test.each<[string, Challenger, Challenger, string]>([
  [
    'the 80 % rule',
    challenger({}, unfair({ selectionRatio: 0.8 })),
    challenger({}, unfair({ selectionRatio: 0.799 })),
    'age: the least selected group over the most selected is 0.799, at least 0.8 is fair',
  ],
  [
    'equalized odds',
    challenger({}, unfair({ equalizedOddsDifference: 0.1 })),
    challenger({}, unfair({ equalizedOddsDifference: 0.101 })),
    'age: the equalized odds difference is 0.101, at most 0.1 is fair',
  ],
  [
    'calibration by group',
    challenger({}, unfair({ calibrationError: 0.0499 })),
    challenger({}, unfair({ calibrationError: 0.05 })),
    'age: the calibration error of the worst group is 0.05, it must lie below 0.05',
  ],
  [
    'a proxy',
    challenger({}, told('skills_listed', 0.9)),
    challenger({}, told('skills_listed', 0.901)),
    'skills_listed alone tells the gender male with an AUC of 0.901, at most 0.9 is no proxy',
  ],
  [
    'a prohibited input among the features',
    challenger(drifting('page_views_total')),
    challenger(drifting('age_years')),
    'age_years is no input that a model may have (age)',
  ],
  [
    'a prohibited input among the strongest',
    challenger({}, { strongestFeatures: [{ feature: 'package', measure: 'auc', value: 0.9 }] }),
    challenger({}, { strongestFeatures: [{ feature: 'is_Male', measure: 'auc', value: 0.9 }] }),
    'is_Male is no input that a model may have (male)',
  ],
  [
    'a prohibited input among the proxies',
    challenger({}, told('postage_paid', 0.6)),
    challenger({}, told('postal_code', 0.6)),
    'postal_code is no input that a model may have (postal)',
  ],
])('%s: on the limit it passes, beyond it does not, with the reason', (_what, on, beyond, said) => {
  expect(reasons(on)).toEqual([]);
  expect(reasons(beyond)).toEqual([said]);
});

test('a manifest of an earlier trainer, which knows the 80 % rule alone, is no pass', () => {
  const { proxies: _proxies, ...before } = EVALUATION;
  const gender = { selectionRatio: 0.9, groups: {} };
  const old = { ...MANIFEST, evaluation: { ...before, fairness: { gender } } };
  const again = 'is not known; train it again with the trainer of this release';
  expect(reasons({ manifest: old, microsPerRow: 1 })).toEqual([
    `gender: what single inputs tell of the groups ${again}`,
    `gender: the equalized odds difference of its groups ${again}`,
    `gender: the calibration error of its groups ${again}`,
  ]);
});

test('what the trainer could not tell of an attribute is not asked, and said', () => {
  const one = challenger({}, unfair({ equalizedOddsDifference: null, equalizedOddsChance: null }));
  const { decision, checks } = judge(one, SCORING, GATE_LIMITS);
  expect(decision).toBe('promote');
  expect(checks).toContainEqual({
    check: 'equalizedOddsDifference',
    state: 'notApplicable',
    said: 'age: no two groups have rows enough of a label',
  });
});

test('the words that forbid an input are those of the trainer', () => {
  const trainer = readFileSync('backfill/trainer/rescore_trainer/prohibited.py', 'utf8');
  const words = /WORDS = \(([^)]*)\)/.exec(trainer)![1]!.match(/[a-z]+/g)!;
  expect(words.length).toBeGreaterThan(30);
  for (const word of words) expect(prohibitedWord(`last_${word.toUpperCase()}`)).toBe(word);
  const gate = readFileSync('models/gate/prohibited.ts', 'utf8');
  const ours = /new Set\(([^]*?)\.split/.exec(gate)![1]!.match(/[a-z]+/g)!;
  expect(ours).toEqual(words);
  for (const feature of FEATURE_NAMES) expect(prohibitedWord(feature)).toBeUndefined();
});
