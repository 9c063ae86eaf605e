/** Positions are vectors over the inputs: R is the store's, K the log's. */
import type { InputTopic, Positions } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';

export type MutablePositions = Record<InputTopic, number>;

export const samePositions = (a: Positions, b: Positions): boolean =>
  INPUT_TOPICS.every(topic => a[topic] === b[topic]);

/** Is `a` smaller than `b` in any topic? */
export const isBehind = (a: Positions, b: Positions): boolean =>
  INPUT_TOPICS.some(topic => a[topic] < b[topic]);

/** The larger one of each topic. */
export const furthest = (a: Positions, b: Positions): MutablePositions =>
  Object.fromEntries(
    INPUT_TOPICS.map(topic => [topic, Math.max(a[topic], b[topic])]),
  ) as unknown as MutablePositions;

export const showPositions = (positions: Positions): string =>
  INPUT_TOPICS.map(topic => `${topic} ${positions[topic]}`).join(', ');

/** Only the offsets: what came with them stays behind. */
export const offsetsOf = (positions: Positions): MutablePositions => ({
  'web-events': positions['web-events'],
  orders: positions.orders,
  customers: positions.customers,
  'customer-commands': positions['customer-commands'],
  'customer-mail': positions['customer-mail'],
});
