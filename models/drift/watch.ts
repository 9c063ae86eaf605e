/**
 * Drift of what a live process scores, while it scores it.
 *
 * A model was trained on customers at instants, the quiet ones as often as the busy ones. A stream evaluates the busy
 * ones far more often, so evaluations say nothing about drift. What does is the newest vector of each customer: lanes
 * evaluate again whenever a vector changes, with an event or by time alone, so it is the customer as of now. The watch
 * keeps that of a sample of customers, and compares the sample with the training quantiles when it is asked.
 *
 * Which customers: those whose hash lies below a bar. When the sample is full, the bar is halved and what lies above
 * goes (adaptive sampling: P. Flajolet, On adaptive sampling, Computing 43, 1990). So every customer is as likely as
 * any other, whatever comes first and however often, and memory has a limit. Time is the newest as-of, not a clock.
 */
import { setImmediate } from 'node:timers/promises';
import { DAY_MS } from '../../schemas';
import type { CustomerId, EpochMs } from '../../schemas';
import { FEATURE_NAMES } from '../../processors/core';
import type { ScoreWatch, SeenCustomer, TrainedOn } from '../../processors/ports';
import { Bins } from './bins';
import { FEWEST_VALUES, psiOf } from './psi';

export interface DriftWatchSettings {
  /** Most customers in the sample; full, it holds between three eighths of them and all. 0 watches nobody. */
  readonly customers: number;
  /** A customer that was not evaluated for so long no longer counts. */
  readonly windowMs: number;
  /** So much time must have passed in the stream: quiet customers come by about once a week. */
  readonly warmUpMs: number;
}

export interface DriftReadings {
  /** Of the sample, those in the window. */
  readonly customers: number;
  /** Both empty until warm, and while fewer than 500 customers are in the window. */
  readonly features: readonly { model: string; feature: string; psi: number }[];
  readonly scores: readonly { model: string; psi: number }[];
}

interface Member {
  at: EpochMs;
  readonly vector: Float32Array;
  scores: Float32Array;
  /** The models that gave the scores. */
  scoredBy: readonly TrainedOn[];
}

/** Training leaves younger customers out (backfill/dataset/plan.ts). */
const TENURE_MS = 60 * DAY_MS;
const UINT32 = 2 ** 32;
/** Members counted between two looks at the event loop: about a millisecond. */
const COUNTED_AT_ONCE = 50;

/** FNV-1a, then the finalizer of MurmurHash3: the upper bits must depend on every character. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export class DriftWatch implements ScoreWatch {
  private readonly members = new Map<number, Member>();
  private bar: number;
  private firstAt: EpochMs = Infinity;
  private newestAt: EpochMs = -Infinity;
  /** Of the models that answered last. */
  private trainedOn: readonly TrainedOn[] = [];
  private binned: { of: readonly TrainedOn[]; bins: readonly ModelBins[] } = { of: [], bins: [] };

  constructor(private readonly settings: DriftWatchSettings) {
    this.bar = settings.customers > 0 ? UINT32 : 0;
  }

  follows(id: CustomerId): boolean {
    return hashOf(id) < this.bar;
  }

  saw({ customerId, asOf, firstSeenAt, cells, offset, answers, trainedOn }: SeenCustomer): void {
    if (asOf > this.newestAt) this.newestAt = asOf;
    if (asOf < this.firstAt) this.firstAt = asOf;
    if (firstSeenAt > asOf - TENURE_MS) return;
    const member = this.memberOf(hashOf(customerId));
    if (member === null) return;
    this.trainedOn = trainedOn;
    member.at = asOf;
    member.vector.set(cells.subarray(offset, offset + FEATURE_NAMES.length));
    if (member.scoredBy.length !== trainedOn.length) member.scores = new Float32Array(trainedOn.length);
    member.scoredBy = trainedOn;
    for (let model = 0; model < trainedOn.length; model++)
      member.scores[model] = answers(trainedOn[model]!.name);
  }

  forget(id: CustomerId): void {
    this.members.delete(hashOf(id));
  }

  /** Null when the sample was full and is not for this one any more. */
  private memberOf(hash: number): Member | null {
    const held = this.members.get(hash);
    if (held !== undefined) return held;
    if (this.members.size >= this.settings.customers) this.makeRoom();
    if (hash >= this.bar) return null;
    const member: Member = {
      at: -Infinity,
      vector: new Float32Array(FEATURE_NAMES.length),
      scores: new Float32Array(0),
      scoredBy: [],
    };
    this.members.set(hash, member);
    return member;
  }

  /** Who has left the window goes first; where that frees little, the bar is halved. */
  private makeRoom(): void {
    for (const [hash, { at }] of this.members) if (!this.isInWindow(at)) this.members.delete(hash);
    while (this.members.size > 0.75 * this.settings.customers) {
      this.bar /= 2;
      for (const hash of this.members.keys()) if (hash >= this.bar) this.members.delete(hash);
    }
  }

  private isInWindow(at: EpochMs): boolean {
    return at > this.newestAt - this.settings.windowMs;
  }

  /** Leaves the event loop free every millisecond or so: a scrape must not hold up lanes. */
  async readings(): Promise<DriftReadings> {
    const members = [...this.members.values()].filter(({ at }) => this.isInWindow(at));
    const customers = members.length;
    const isWarm = this.newestAt - this.firstAt >= this.settings.warmUpMs;
    if (!isWarm || customers < FEWEST_VALUES) return { customers, features: [], scores: [] };
    const { trainedOn } = this;
    const bins = this.binsOf(trainedOn);
    const counts = bins.map(model => model.newCounts());
    for (const [index, { vector }] of members.entries()) {
      if (index % COUNTED_AT_ONCE === COUNTED_AT_ONCE - 1) await setImmediate();
      bins.forEach((model, place) => model.add(vector, counts[place]!));
    }
    // After a swap the answers of the model before say nothing about the new one.
    const scored = members.filter(({ scoredBy }) => scoredBy === trainedOn);
    return {
      customers,
      features: bins.flatMap((model, place) => model.featuresOf(counts[place]!)),
      scores:
        scored.length < FEWEST_VALUES
          ? []
          : bins.map((model, place) => model.score(scored.map(({ scores }) => scores[place]!))),
    };
  }

  private binsOf(trainedOn: readonly TrainedOn[]): readonly ModelBins[] {
    if (trainedOn !== this.binned.of)
      this.binned = { of: trainedOn, bins: trainedOn.map(model => new ModelBins(model)) };
    return this.binned.bins;
  }
}

/** The training quantiles of a model, as bins. */
export class ModelBins {
  private readonly scoreBins: Bins;
  private readonly featureBins: (Bins | null)[];

  constructor(private readonly model: TrainedOn) {
    this.scoreBins = new Bins({ undefinedShare: 0, values: model.quantiles.score });
    this.featureBins = FEATURE_NAMES.map(name => {
      const trained = model.quantiles.features[name];
      return trained === undefined ? null : new Bins(trained);
    });
  }

  /** Per feature, in the order of the layout. */
  newCounts(): Uint32Array[] {
    return this.featureBins.map(bins => new Uint32Array(bins?.size ?? 0));
  }

  add(vector: Float32Array, counts: readonly Uint32Array[]): void {
    for (let column = 0; column < this.featureBins.length; column++) {
      const bins = this.featureBins[column];
      if (bins) counts[column]![bins.binOf(vector[column]!)]!++;
    }
  }

  /** Of the features that the model was trained with. */
  featuresOf(counts: readonly Uint32Array[]): { model: string; feature: string; psi: number }[] {
    return this.featureBins.flatMap((bins, column) =>
      bins === null
        ? []
        : [{ model: this.model.name, feature: FEATURE_NAMES[column]!, psi: psiOf(bins, counts[column]!) }],
    );
  }

  score(values: readonly number[]): { model: string; psi: number } {
    return { model: this.model.name, psi: psiOf(this.scoreBins, this.scoreBins.count(values)) };
  }
}
