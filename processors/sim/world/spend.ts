/** The mean value of a customer's orders, given those that came: orders are gamma(4) around it. */
import { PRIOR } from './latent';

export const ORDER_SHAPE = 4;
const STEP_MINOR = 100;
const STEPS = 400;

/** E(mean value of an order), minor units; without orders the mean of all. */
export function expectedValueMinor(values: readonly number[]): number {
  const [shape, scale] = PRIOR.orderMinorAbove;
  const total = values.reduce((sum, value) => sum + value, 0);
  const logs: number[] = [];
  const means: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const above = (step + 0.5) * STEP_MINOR;
    const mean = PRIOR.leastOrderMinor + above;
    const prior = (shape - 1) * Math.log(above) - above / scale;
    logs.push(prior - ORDER_SHAPE * (values.length * Math.log(mean) + total / mean));
    means.push(mean);
  }
  const largest = Math.max(...logs);
  const weights = logs.map(log => Math.exp(log - largest));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return weights.reduce((all, weight, step) => all + weight * means[step]!, 0) / sum;
}
