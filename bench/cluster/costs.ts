/** What an event costs each of the three, and how figures are named. */
import type { BenchProcessor, Servers } from './bed';
import { cpuSecondsOf } from './cpu';

export type Figures = Record<string, number>;

/** CPU seconds so far. */
interface Spent {
  processor: number;
  broker: number;
  redis: number;
}

/** Of the servers alone, where no processor runs. */
export const spent = ({ kafka, redis }: Servers, processor?: BenchProcessor): Spent => ({
  processor: processor?.cpuSeconds() ?? 0,
  broker: cpuSecondsOf(kafka.pid()),
  redis: cpuSecondsOf(redis.pid()),
});

export const perEvent = (before: Spent, after: Spent, events: number): Figures => ({
  processorMicros: ((after.processor - before.processor) / events) * 1e6,
  brokerMicros: ((after.broker - before.broker) / events) * 1e6,
  redisMicros: ((after.redis - before.redis) / events) * 1e6,
});

export const named = (name: string, figures: Figures): Figures =>
  Object.fromEntries(Object.entries(figures).map(([key, value]) => [`${name}.${key}`, value]));

/** Every evaluation is published: nearly one score an event, as many as there can be. Reasons are measured apart. */
export const PUBLISH_ALL = {
  RESCORE_PUBLISH_ENGAGEMENT_DELTA: '0',
  RESCORE_PUBLISH_CHURN_DELTA: '0',
  RESCORE_PUBLISH_LTV_SHARE: '0',
  RESCORE_PUBLISH_REASONS: 'off',
};
