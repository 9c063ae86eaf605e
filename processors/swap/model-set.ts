/** Models that answer together. A set never changes; a model is released when the last set that held it is idle. */
import type { ScoringConstants } from '../core';
import type { RawScoreColumns, Scorer, TrainedOn } from '../ports';
import type { ModelSource, OpenedModel } from './source';

/** A model and how many hold it: sets, trials, shadows. */
export class HeldModel<M extends OpenedModel = OpenedModel> {
  private holds = 0;

  constructor(
    readonly model: M,
    /** A release that fails is for the log: nobody waits for it. */
    private readonly onReleased: (error: unknown) => void,
  ) {}

  get name(): string {
    return this.model.name;
  }
  get version(): string {
    return this.model.version;
  }

  hold(): this {
    this.holds++;
    return this;
  }

  drop(): void {
    if (--this.holds === 0)
      this.model.release().then(
        () => this.onReleased(null),
        (error: unknown) => this.onReleased(error),
      );
  }
}

/** A model of the set could not answer a batch. */
export class ModelFault extends Error {
  override readonly name = 'ModelFault';
  constructor(
    readonly model: HeldModel,
    override readonly cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause));
  }
}

export class ModelSet<M extends OpenedModel = OpenedModel> {
  readonly constants: ScoringConstants;
  readonly explain?: NonNullable<Scorer['explain']>;
  readonly trainedOn?: readonly TrainedOn[];
  private batches = 0;
  private isRetired = false;
  private isGone = false;

  /** Throws when the models do not fit together; holds none of them then. */
  constructor(
    readonly models: readonly HeldModel<M>[],
    private readonly source: Pick<ModelSource<M>, 'assemble'>,
  ) {
    const { constants, explain, trainedOn } = source.assemble(models.map(({ model }) => model));
    this.constants = constants;
    if (trainedOn !== undefined) this.trainedOn = trainedOn;
    if (explain !== undefined) this.explain = explain;
    for (const model of models) model.hold();
  }

  /** The same set with another version of one model. */
  with(model: HeldModel<M>): ModelSet<M> {
    const models = this.models.map(other => (other.name === model.name ? model : other));
    return new ModelSet(models, this.source);
  }

  of(name: string): HeldModel<M> {
    const found = this.models.find(model => model.name === name);
    if (found === undefined) throw new Error(`There is no model ${name} in this set.`);
    return found;
  }

  /** `tookMicros`: filled with the time of each model, in the order of `models`. Throws `ModelFault`. */
  async score(
    vectors: Float32Array,
    rows: number,
    nowMicros: () => number,
    tookMicros: number[] | null,
  ): Promise<RawScoreColumns> {
    this.batches++;
    try {
      const columns: Record<string, Float32Array> = {};
      for (const held of this.models) {
        const startedAt = tookMicros === null ? 0 : nowMicros();
        columns[held.name] = await this.ask(held, vectors, rows);
        tookMicros?.push(nowMicros() - startedAt);
      }
      return columns as RawScoreColumns;
    } finally {
      this.batches--;
      if (this.isRetired) this.letGo();
    }
  }

  private async ask(held: HeldModel<M>, vectors: Float32Array, rows: number): Promise<Float32Array> {
    try {
      return await held.model.answer(vectors, rows);
    } catch (error) {
      throw new ModelFault(held, error);
    }
  }

  /** No batch begins with it any more; its models go with the last one that is under way. */
  retire(): void {
    this.isRetired = true;
    this.letGo();
  }

  private letGo(): void {
    if (this.batches > 0 || this.isGone) return;
    this.isGone = true;
    for (const model of this.models) model.drop();
  }
}
