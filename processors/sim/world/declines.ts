/**
 * Every way in which a customer may decline, on a grid of days, with the exposure that each leaves: expected visits
 * for a rate of one a day, seasons included. A decline that begins between the noons before day j and of day j leaves
 * day j its first share (`vigour` looks at noons): sudden none, gradual exp(-(d - j + 1/2) / D) on day d.
 */
import { DAY_MS } from '../../../schemas';
import { FAINTEST, PRIOR, season } from './latent';
import type { WorldSettings } from './settings';

/** Equal shares of the prior of D, each by its median. */
const PACES = 8;

export interface Decline {
  /** Days of a decline by 1/e; 0: sudden. */
  readonly pace: number;
  readonly share: number;
  /** Days of the decline on which somebody may come. */
  readonly length: number;
}

export const DECLINES: readonly Decline[] = [
  { pace: 0, share: 1 - PRIOR.gradual, length: 0 },
  ...Array.from({ length: PACES }, (_, index) => {
    const pace = PRIOR.leastDeclineDays - PRIOR.declineDaysAbove * Math.log(1 - (index + 0.5) / PACES);
    const length = Math.floor(-Math.log(FAINTEST) * pace - 0.5) + 1;
    return { pace, share: PRIOR.gradual / PACES, length };
  }),
];

/** The day 0 of the grid: the first on which anybody's decline may begin. */
export const originDay = ({ startAt }: WorldSettings): number =>
  Math.floor(startAt / DAY_MS) - PRIOR.declineBeforeStartDays;

export class Exposures {
  private readonly seasons: Float64Array;
  private readonly until: Float64Array;
  private readonly declining: readonly (readonly Float64Array[])[];

  /** For declines that begin on days below `days`. */
  constructor(settings: WorldSettings, days: number) {
    const longest = Math.max(...DECLINES.map(({ length }) => length));
    const first = originDay(settings);
    const width = days + longest + 1;
    this.seasons = Float64Array.from({ length: width }, (_, day) => season((first + day) * DAY_MS));
    this.until = new Float64Array(width + 1);
    this.seasons.forEach((value, day) => (this.until[day + 1] = this.until[day]! + value));
    this.declining = DECLINES.map(decline =>
      Array.from({ length: days }, (_, day) => this.sumsFrom(day, decline)),
    );
  }

  private sumsFrom(day: number, { pace, length }: Decline): Float64Array {
    const sums = new Float64Array(length + 1);
    for (let more = 0; more < length; more++)
      sums[more + 1] = sums[more]! + this.seasons[day + more]! * Math.exp(-(more + 0.5) / pace);
    return sums;
  }

  /** Of the days before `day`, which may end within a day, when decline number `kind` begins on day `from`. */
  before(day: number, kind: number, from: number): number {
    const whole = Math.floor(day);
    const part = day - whole;
    const at = this.wholeDays(whole, kind, from);
    return part === 0 ? at : at + part * (this.wholeDays(whole + 1, kind, from) - at);
  }

  private wholeDays(day: number, kind: number, from: number): number {
    if (day <= from) return this.until[day]!;
    const sums = this.declining[kind]![from]!;
    return this.until[from]! + sums[Math.min(day - from, sums.length - 1)]!;
  }
}
