/**
 * The gate: may this artifact take the place of the current one? Data in, every reason out; it looks at nothing else.
 * What is not known is a reason to refuse, never a pass. The thresholds are settings (gate.*).
 */
import { DAY_MS } from '../../schemas';
import { ARTIFACT_FILES } from '../registry/manifest';
import type { Evaluation, Manifest } from '../registry/manifest';
import { atLeast, atMost, failed, notApplicable, round, verdict } from './checks';
import type { GateCheck, GateLimits } from './checks';
import { comparison } from './comparison';
import type { Incumbent } from './comparison';
import { endsAtOne, groups, inputs } from './fairness';

export type { GateCheck, GateLimits } from './checks';

export interface Challenger {
  manifest: Manifest;
  /** Measured in the runtime of this machine; null when it was not. */
  microsPerRow: number | null;
}

export interface Verdict {
  decision: 'promote' | 'reject';
  checks: readonly GateCheck[];
  /** `said` of every check that failed. */
  reasons: readonly string[];
}

/** `champion`: what scores now, null when nothing does. */
export function judge(challenger: Challenger, champion: Incumbent | null, limits: GateLimits): Verdict {
  const { manifest, microsPerRow } = challenger;
  const checks = [
    atLeast('customers', manifest.rows.train.customers, limits.customers, 'customers to learn from'),
    ...evaluated(manifest, champion, limits),
    calibrated(manifest, limits),
    atMost('bytes', bytesOf(manifest), limits.bytes, 'bytes in all files'),
    microsPerRow === null
      ? failed('microsPerRow', 'the time of a row was not measured')
      : atMost('microsPerRow', round(microsPerRow), limits.microsPerRow, 'µs a row'),
  ];
  const reasons = checks.filter(({ state }) => state === 'failed').map(({ said }) => said);
  return { decision: reasons.length === 0 ? 'promote' : 'reject', checks, reasons };
}

/** What only the evaluation knows. */
function evaluated(manifest: Manifest, champion: Incumbent | null, limits: GateLimits): GateCheck[] {
  const { evaluation } = manifest;
  if (evaluation === undefined)
    return [
      failed(
        'evaluation',
        'the manifest has no evaluation: history, classes, leaks, groups and the current model on the same hold-out are not known',
      ),
    ];
  const { archiveEnd } = manifest.trainingRange;
  const days = (Date.parse(archiveEnd) - Date.parse(evaluation.archiveStart)) / DAY_MS;
  return [
    atLeast('historyDays', Math.floor(days), limits.historyDays, 'days of history'),
    ...classes(manifest, evaluation, limits),
    ...comparison(manifest, evaluation, champion, limits),
    ...leaks(evaluation, limits),
    ...inputs(manifest, evaluation, limits),
    ...groups(manifest, evaluation, limits),
  ];
}

function classes(
  { metrics }: Manifest,
  { classes: found }: Evaluation,
  { eachClass }: GateLimits,
): GateCheck[] {
  if (found === null)
    return metrics['auc'] === undefined
      ? [notApplicable('eachClass', 'the label is no class')]
      : [failed('eachClass', 'it tells classes apart, and the rows of each are not known')];
  return [
    atLeast('eachClass', found.positives, eachClass, 'rows with the label'),
    atLeast('eachClass', found.negatives, eachClass, 'rows without the label'),
  ];
}

function leaks({ strongestFeatures }: Evaluation, { featureAuc, featureR2 }: GateLimits): GateCheck[] {
  return strongestFeatures.map(({ feature, measure, value }) => {
    const most = measure === 'auc' ? featureAuc : featureR2;
    const name = measure === 'auc' ? 'an AUC' : 'an R2';
    return verdict(
      'leak',
      value <= most,
      `${feature} alone has ${name} of ${round(value)}, at most ${most} is no leak`,
    );
  });
}

/** Of probabilities and shares: their answers end at 1. */
function calibrated({ output, metrics }: Manifest, { calibrationError }: GateLimits): GateCheck {
  if (!endsAtOne(output)) return notApplicable('calibrationError', 'the answer is no probability');
  const error = metrics['calibrationError']?.value;
  if (error === undefined) return failed('calibrationError', 'the calibration error is not known');
  const said = `the calibration error is ${round(error)}, it must lie below ${calibrationError}`;
  return verdict('calibrationError', error < calibrationError, said);
}

const bytesOf = ({ files }: Manifest): number =>
  ARTIFACT_FILES.reduce((sum, file) => sum + (files[file]?.bytes ?? 0), 0);
