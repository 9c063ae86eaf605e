/**
 * What no model may see, and how its answers fall on groups that it does not see. In groups of some hundreds the lowest
 * share over the highest is far below 1, and a largest gap far above 0, where nothing is unfair: a model is refused when a
 * limit is passed and chance does not explain it (backfill/trainer, lot.py).
 */
import type { Evaluation, Manifest } from '../registry/manifest';
import { failed, notApplicable, round, verdict } from './checks';
import type { GateCheck, GateLimits } from './checks';
import { prohibitedWord } from './prohibited';

type Attribute = Evaluation['fairness'][string];

/** Of probabilities and shares: their answers end at 1. */
export const endsAtOne = ({ range }: Manifest['output']): boolean => range.max === 1;

/** By name, and by what each tells of a group. */
export function inputs(manifest: Manifest, evaluation: Evaluation, limits: GateLimits): GateCheck[] {
  return [...prohibitedNames(manifest, evaluation), ...proxies(evaluation, limits)];
}

function prohibitedNames({ quantiles }: Manifest, evaluation: Evaluation): GateCheck[] {
  const named = new Set([
    ...Object.keys(quantiles.features),
    ...evaluation.strongestFeatures.map(({ feature }) => feature),
    ...Object.values(evaluation.proxies ?? {}).map(({ feature }) => feature),
  ]);
  const refused = [...named].flatMap(feature => {
    const word = prohibitedWord(feature);
    return word === undefined
      ? []
      : [failed('prohibitedInput', `${feature} is no input that a model may have (${word})`)];
  });
  return refused.length > 0
    ? refused
    : [verdict('prohibitedInput', true, `none of ${named.size} inputs is prohibited by its name`)];
}

function proxies({ fairness, proxies: told }: Evaluation, { proxyAuc }: GateLimits): GateCheck[] {
  const attributes = Object.keys(fairness);
  if (told === undefined && attributes.length > 0)
    return [failed('proxyAuc', unknown(attributes.join(', '), 'what single inputs tell of the groups'))];
  const found = Object.entries(told ?? {});
  if (found.length === 0) return [notApplicable('proxyAuc', 'no groups are known')];
  return found.map(([attribute, { feature, group, auc }]) =>
    verdict(
      'proxyAuc',
      auc <= proxyAuc,
      `${feature} alone tells the ${attribute} ${group} with an AUC of ${round(auc)}, at most ${proxyAuc} is no proxy`,
    ),
  );
}

/** The 80 % rule, equalized odds and calibration by group, for every attribute. */
export function groups(manifest: Manifest, { fairness }: Evaluation, limits: GateLimits): GateCheck[] {
  const attributes = Object.entries(fairness);
  if (attributes.length === 0)
    return (['selectionRatio', 'equalizedOddsDifference', 'groupCalibrationError'] as const).map(check =>
      notApplicable(check, 'no groups are known'),
    );
  return [
    ...attributes.map(([attribute, found]) => selected(attribute, found, limits)),
    ...attributes.map(([attribute, found]) => odds(attribute, found, limits)),
    ...calibration(manifest, attributes, limits),
  ];
}

function selected(attribute: string, found: Attribute, limits: GateLimits): GateCheck {
  const { selectionRatio: ratio, selectionRatioChance: chance } = found;
  return verdict(
    'selectionRatio',
    ratio >= limits.selectionRatio || isChance(chance, limits),
    `${attribute}: the least selected group over the most selected is ${round(ratio)}${byChance(chance)}, at least ${limits.selectionRatio} is fair`,
  );
}

function odds(attribute: string, found: Attribute, limits: GateLimits): GateCheck {
  const check = 'equalizedOddsDifference';
  const { equalizedOddsDifference: difference, equalizedOddsChance: chance } = found;
  if (difference === undefined)
    return failed(check, unknown(attribute, 'the equalized odds difference of its groups'));
  if (difference === null)
    return notApplicable(check, `${attribute}: no two groups have rows enough of a label`);
  return verdict(
    check,
    difference <= limits[check] || isChance(chance, limits),
    `${attribute}: the equalized odds difference is ${round(difference)}${byChance(chance)}, at most ${limits[check]} is fair`,
  );
}

function calibration(
  { output }: Manifest,
  attributes: readonly [string, Attribute][],
  limits: GateLimits,
): GateCheck[] {
  const check = 'groupCalibrationError';
  if (!endsAtOne(output)) return [notApplicable(check, 'the answer is no probability')];
  return attributes.map(([attribute, { calibrationError: error, calibrationErrorChance: chance }]) => {
    if (error === undefined) return failed(check, unknown(attribute, 'the calibration error of its groups'));
    return verdict(
      check,
      error < limits[check] || isChance(chance, limits),
      `${attribute}: the calibration error of the worst group is ${round(error)}${byChance(chance)}, it must lie below ${limits[check]}`,
    );
  });
}

/** A chance that is not known explains nothing. */
const isChance = (chance: number | null | undefined, { fairnessChance }: GateLimits): boolean =>
  (chance ?? 0) > fairnessChance;
const byChance = (chance: number | null | undefined): string =>
  chance == null ? '' : ` (by chance in ${round(100 * chance)} of 100)`;
const unknown = (attribute: string, what: string): string =>
  `${attribute}: ${what} is not known; train it again with the trainer of this release`;
