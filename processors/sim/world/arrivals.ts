/**
 * The world as a log sees it: what happened, in the order in which it arrives. A day is made when it begins and
 * forgotten when it has arrived, so memory holds the events of a day and the few that are on their way.
 */
import type { CustomerId, CustomerProfile, EpochMs, OrderEvent, WebEvent } from '../../../schemas';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../schemas';
import { Random } from '../random';
import { dayOf } from './events';
import type { Happening } from './events';
import { customerIdAt, latentOf } from './latent';
import type { Latent } from './latent';
import type { WorldSettings } from './settings';

interface Arrival {
  customerId: CustomerId;
  recordAt: EpochMs;
}

export type WorldRecord = Arrival &
  (
    | { topic: 'web-events'; value: WebEvent }
    | { topic: 'orders'; value: OrderEvent }
    | { topic: 'customers'; value: CustomerProfile }
  );

/** In the order of `recordAt`; the same settings give the same records. */
export function* worldRecords(settings: WorldSettings): Generator<WorldRecord> {
  const { startAt, days, seed } = settings;
  const endAt = startAt + days * DAY_MS;
  const latents = Array.from({ length: settings.customers }, (_, index) => latentOf(settings, index));
  let onTheirWay: WorldRecord[] = [];
  const first = Math.floor(startAt / DAY_MS) * DAY_MS;
  for (let midnightAt = first; midnightAt < endAt; midnightAt += DAY_MS) {
    const random = new Random(seed).fork(`arrivals/${midnightAt}`);
    for (const latent of latents)
      for (const happening of dayOf(latent, midnightAt, settings))
        arrive(happening, latent, random, settings, onTheirWay);
    onTheirWay.sort(byArrival);
    const until = Math.min(midnightAt + DAY_MS, endAt);
    let at = 0;
    while (at < onTheirWay.length && onTheirWay[at]!.recordAt < until) yield onTheirWay[at++]!;
    onTheirWay = onTheirWay.slice(at);
  }
}

/** Ids in the order of their index. */
export function* worldCustomerIds(settings: WorldSettings): Generator<CustomerId> {
  for (let index = 0; index < settings.customers; index++) yield customerIdAt(settings, index);
}

const byArrival = (a: WorldRecord, b: WorldRecord): number =>
  a.recordAt - b.recordAt ||
  (a.customerId < b.customerId ? -1 : a.customerId > b.customerId ? 1 : 0) ||
  (a.value.messageId < b.value.messageId ? -1 : 1);

function arrive(
  happening: Happening,
  { customerId }: Latent,
  random: Random,
  { lateShare, duplicateShare, startAt }: WorldSettings,
  to: WorldRecord[],
): void {
  if (happening.eventAt < startAt) return;
  const delay = random.chance(lateShare) ? lateness(random) : 20 + Math.floor(random.exponential(400));
  const recordAt = happening.eventAt + delay;
  const times = timesOf(happening.eventAt, recordAt, random);
  const record = {
    topic: happening.topic,
    customerId,
    recordAt,
    value: { ...happening.value, ...times },
  } as WorldRecord;
  to.push(record);
  if (random.chance(duplicateShare))
    to.push({
      ...record,
      recordAt: recordAt + 1 + Math.floor(random.exponential(2 * HOUR_MS) % (40 * HOUR_MS)),
    });
}

function lateness(random: Random): number {
  const scale = random.pick([5 * MINUTE_MS, 2 * HOUR_MS, DAY_MS, 6 * DAY_MS]);
  return SECOND_MS + Math.floor(random.exponential(scale));
}

/** Two in a hundred devices have a wrong clock: `sentAt` and `originalTimestamp` are off by the same amount. */
function timesOf(
  eventAt: EpochMs,
  recordAt: EpochMs,
  random: Random,
): Pick<WebEvent, 'timestamp' | 'originalTimestamp' | 'sentAt' | 'receivedAt'> {
  if (!random.chance(0.02))
    return { timestamp: eventAt, originalTimestamp: null, sentAt: null, receivedAt: recordAt };
  const skew = random.between(-3 * DAY_MS, 3 * DAY_MS);
  return {
    timestamp: null,
    originalTimestamp: eventAt + skew,
    sentAt: recordAt + skew,
    receivedAt: recordAt,
  };
}
