/**
 * A challenger against the model that scores now, metric by metric on the same hold-out. A model of another feature layout
 * cannot answer those rows, so after a change of the layout no challenger could ever be compared with it: then, and only
 * then, the measure is the named baseline, what anybody would do without a model (docs/model-quality.md).
 */
import type { Evaluation, Manifest } from '../registry/manifest';
import { failed, notApplicable, percent, round, verdict } from './checks';
import type { GateCheck, GateLimits } from './checks';

/** The model that scores now. */
export interface Incumbent {
  version: string;
  /** Why it can't answer the rows of the hold-out; null: it can. */
  incomparable: { because: 'otherLayout' | 'unusable'; said: string } | null;
}

/** Which way a metric is better. Others are shown, not compared. */
const BETTER: Readonly<Record<string, 'higher' | 'lower'>> = {
  auc: 'higher',
  gini: 'higher',
  r2: 'higher',
  logLoss: 'lower',
  meanAbsoluteError: 'lower',
};

type Metrics = Manifest['metrics'];

export function comparison(
  { metrics }: Manifest,
  { champion: measured, baseline }: Evaluation,
  champion: Incumbent | null,
  limits: GateLimits,
): GateCheck[] {
  if (champion === null) return [notApplicable('comparison', 'no model scores yet')];
  const { version, incomparable } = champion;
  if (measured?.version === version) return compared(metrics, measured.metrics, version, limits);
  if (incomparable?.because === 'otherLayout') {
    const why = `${version} reads another feature layout and can't be compared with`;
    if (baseline === undefined)
      return [
        failed(
          'comparison',
          `${why}, and the baseline to judge by instead is not known; train it again with the trainer of this release`,
        ),
      ];
    return compared(metrics, baseline.metrics, `the baseline ${baseline.name}`, limits, `${why}: `);
  }
  const other = measured?.version ?? 'no model';
  const why = incomparable === null ? '' : `, which can't be compared with: ${incomparable.said}`;
  return [failed('comparison', `it was compared with ${other}, and ${version} scores now${why}`)];
}

function compared(
  ours: Metrics,
  theirs: Metrics,
  who: string,
  { tolerance }: GateLimits,
  why = '',
): GateCheck[] {
  const metrics = Object.keys(theirs).filter(metric => Object.hasOwn(BETTER, metric));
  if (metrics.length === 0) return [failed('comparison', `${why}no metric of ${who} can be compared`)];
  return metrics.map(metric => {
    const their = theirs[metric]!.value;
    const our = ours[metric]?.value;
    if (our === undefined)
      return failed('comparison', `${why}${metric} is not known, ${who} has ${round(their)}`);
    const slack = tolerance * Math.abs(their);
    const holds = BETTER[metric] === 'higher' ? our >= their - slack : our <= their + slack;
    const said = `${why}${metric} is ${round(our)}, ${who} has ${round(their)}; ${BETTER[metric]!} is better, and ${percent(tolerance)} worse is allowed`;
    return verdict('comparison', holds, said);
  });
}
