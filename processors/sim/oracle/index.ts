/** The naive oracle: keeps every event and loops. Everything clever is measured against it. */
import type { EpochMs } from '../../../schemas';
import type { CustomerInput } from '../../core';
import { ORACLE } from './features';
import type { Question } from './features';
import { OracleHistory, withoutCopies } from './history';

export { ORACLE } from './features';
export type { Question } from './features';
export { OracleHistory, withoutCopies } from './history';
export type { OracleSession } from './history';
export { ordersOf } from './orders';
export { oracleEvaluation, oracleRfm } from './evaluation';
export type { OracleEvaluation } from './evaluation';
export { oracleValidUntil } from './next-change';

/** `inputs` in an order that keeps each topic's; copies may be among them. */
export const ask = (
  inputs: readonly CustomerInput[],
  asOf: EpochMs,
  hashOf: Question['hashOf'],
): Question => ({
  history: new OracleHistory(withoutCopies(inputs)),
  asOf,
  hashOf,
});

/** Vector in the order of `names`; the bits of NaN and zero are the canonical ones. */
export function oracleVector(names: readonly string[], question: Question): Float32Array {
  return Float32Array.from(names, name => {
    const value = ORACLE[name]!(question);
    return Number.isNaN(value) ? NaN : value + 0;
  });
}
