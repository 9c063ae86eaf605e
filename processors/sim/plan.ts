/** What a seed decides: how long, how many, and which faults happen when. */
import type { EpochMs, InputTopic } from '../../schemas';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../schemas';
import { LANE_STEPS } from '../runner';
import type { LaneStep } from '../runner';
import type { Random } from './random';

/** Something done to the cluster at an instant. */
export type Incident =
  | { kind: 'kill' | 'terminate' | 'expireCommitted' | 'markers'; at: EpochMs }
  | { kind: 'stop'; at: EpochMs; forMs: number }
  | { kind: 'stepFault'; at: EpochMs; step: LaneStep; fault: 'kill' | 'stop'; forMs: number }
  | { kind: 'rollback'; at: EpochMs; lostMs: number }
  | { kind: 'move'; at: EpochMs; zombieMs: number }
  | { kind: 'swapModel'; at: EpochMs; isSound: boolean };

/** Chances that a call of a port fails, before or after it took effect. */
export interface PortFaults {
  read: number;
  load: number;
  commitRefused: number;
  commitReplyLost: number;
  publishRefused: number;
  publishReplyLost: number;
  appendReplyLost: number;
  /** The lane's turn with the producer of its group comes late. */
  publishWaits: number;
  /** The server takes its time. */
  slow: number;
}

export interface Plan {
  seed: number;
  startAt: EpochMs;
  trafficEndAt: EpochMs;
  /** No fault begins or lasts beyond it. */
  calmAt: EpochMs;
  endAt: EpochMs;
  partitions: number;
  /** Neighbouring partitions that move together and share a producer. */
  unitSize: number;
  processes: number;
  customers: string[];
  occasions: number;
  flood: number;
  erasures: boolean;
  idleMs: number;
  maxRecords: number;
  maxCustomers: number;
  incidents: Incident[];
  ports: PortFaults;
  /** A topic that is read hours late. */
  lag: { topic: InputTopic; from: EpochMs; to: EpochMs } | null;
  /** Writes or the log's positions are lost: repeats of published messages are allowed then. */
  losesWrites: boolean;
}

const START = Date.UTC(2026, 0, 5, 9, 30);
/** Commands are read in time in every seed: a late tick is no fault of the lane. */
const LAGGING = ['web-events', 'orders', 'customers'] as const;

export function makePlan(seed: number, random: Random): Plan {
  const days = random.pick([2, 3, 3, 5, 5, 12, 38]);
  const trafficEndAt = START + days * DAY_MS;
  const calmAt = trafficEndAt + 2 * HOUR_MS;
  const losesWrites = random.chance(0.35);
  const at = (): EpochMs => START + random.int(trafficEndAt - START);
  const lagFrom = at();
  const lags = random.chance(0.4);
  return {
    seed,
    startAt: START,
    trafficEndAt,
    calmAt,
    endAt: calmAt + random.pick([2, 2, 3, 33]) * DAY_MS,
    partitions: random.between(1, 3),
    processes: random.between(1, 3),
    customers: customersOf(random),
    occasions: random.between(20, 110),
    flood: floodOf(seed, random),
    // An erasure that overtakes an older interaction drops it, also for the customer at its other end.
    erasures: !lags && random.chance(0.5),
    idleMs: random.between(HOUR_MS, 6 * HOUR_MS),
    maxRecords: random.pick([1, 3, 10, 40, 400]),
    maxCustomers: random.pick([1, 3, 100]),
    incidents: incidentsOf(random, at, losesWrites).sort((a, b) => a.at - b.at),
    ports: portFaultsOf(random),
    lag: lags
      ? {
          topic: random.pick(LAGGING),
          from: lagFrom,
          to: Math.min(lagFrom + random.between(1, 20) * HOUR_MS, calmAt),
        }
      : null,
    losesWrites,
    unitSize: random.between(1, 3),
  };
}

function customersOf(random: Random): string[] {
  const known = Array.from({ length: random.between(2, 9) }, (_, index) => `kim-${index}`);
  const anonymous = Array.from({ length: random.int(3) }, (_, index) => `anon:visitor-${index}`);
  return [...known, ...anonymous];
}

const floodOf = (seed: number, random: Random): number =>
  seed % 50 === 49 ? 10_000 : random.chance(0.06) ? 400 : 0;

function incidentsOf(random: Random, at: () => EpochMs, losesWrites: boolean): Incident[] {
  const incidents: Incident[] = [];
  const times = (most: number, make: () => Incident): void => {
    for (let left = random.int(most + 1); left > 0; left--) incidents.push(make());
  };
  const awayMs = (): number => random.pick([SECOND_MS, MINUTE_MS, HOUR_MS, 10 * HOUR_MS]);
  times(4, () => ({ kind: 'kill', at: at() }));
  times(1, () => ({ kind: 'terminate', at: at() }));
  times(3, () => ({ kind: 'stop', at: at(), forMs: awayMs() }));
  times(8, () => ({
    kind: 'stepFault',
    at: at(),
    step: random.pick(LANE_STEPS),
    fault: random.pick(['kill', 'kill', 'stop']),
    forMs: awayMs(),
  }));
  times(3, () => ({ kind: 'move', at: at(), zombieMs: random.int(3 * HOUR_MS) }));
  times(3, () => ({ kind: 'markers', at: at() }));
  times(2, () => ({ kind: 'swapModel', at: at(), isSound: random.chance(0.6) }));
  // An expired commit hides a rollback from every lane: they are not mixed.
  if (losesWrites && random.chance(0.7))
    times(3, () => ({ kind: 'rollback', at: at(), lostMs: random.int(20 * HOUR_MS) }));
  else if (losesWrites) times(2, () => ({ kind: 'expireCommitted', at: at() }));
  return incidents;
}

function portFaultsOf(random: Random): PortFaults {
  const slow = random.fork('slow');
  const chance = (): number => (random.chance(0.4) ? random.next() * 0.1 : 0);
  return {
    read: chance(),
    load: chance(),
    commitRefused: chance(),
    commitReplyLost: chance(),
    publishRefused: chance(),
    publishReplyLost: chance(),
    appendReplyLost: chance(),
    publishWaits: 3 * chance(),
    slow: slow.chance(0.2) ? slow.next() * 0.3 : 0,
  };
}
