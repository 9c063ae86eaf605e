/** What an evaluation says beside the vector, RFM and status, against the oracle. */
import type { Customer } from '../../core';
import { CONSTANTS } from '../../core/testing/inputs';
import { oracleRfm } from '../oracle';
import type { OracleEvaluation } from '../oracle';
import { bytesOf } from './folding';
import type { Core } from './folding';

export function evaluationLaw(
  core: Core,
  expected: OracleEvaluation,
  vector: Float32Array,
  customer: Customer,
): string | null {
  const out = new Float32Array(core.FEATURE_NAMES.length);
  const found = core.evaluate(customer, expected.asOf, 'event', out, 0);
  for (const [name, value] of Object.entries(expected))
    if (found[name as keyof typeof expected] !== value)
      return `evaluation: ${name} is ${found[name as keyof typeof expected]}, the oracle says ${value}`;
  if (bytesOf(out) !== bytesOf(vector)) return 'evaluation: the vector differs';
  const { score, recency, frequency, monetary } = core.rfmScore(found, CONSTANTS.rfm);
  const billionths = (value: number): number => Math.round(value * 1e9);
  const rfm = {
    score: billionths(score),
    recency: billionths(recency),
    frequency: billionths(frequency),
    monetary: billionths(monetary),
    segment: core.segmentOf(score),
    status: core.statusOf(found),
  };
  const exact = oracleRfm(expected, CONSTANTS.rfm);
  return JSON.stringify(rfm) === JSON.stringify(exact)
    ? null
    : `rfm: ${JSON.stringify(rfm)}, the oracle says ${JSON.stringify(exact)}`;
}
