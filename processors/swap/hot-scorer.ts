/**
 * The scorer of a live process: its models change while lanes work.
 *
 * - A batch is answered by one set of models from its first row to its last; a swap counts from the next batch on.
 * - A batch that a model cannot answer (NaN, out of range) is answered again by the model before; if that one can, the
 *   newer one is rolled back. Nothing is published in between. If neither can, the input is at fault, not the model.
 * - A model that was swapped in is on trial (trial.ts) beside the last one that is proven.
 * - When nothing is on trial and nobody shadows, a batch costs one comparison more than a scorer that never changes.
 */
import type { Reason } from '../../schemas';
import type { ScoringConstants } from '../core';
import { VECTOR_WIDTH } from '../core';
import type { BatchAnswers, RawScoreColumns, Scorer } from '../ports';
import { wordsOf } from './events';
import type { SwapEvent } from './events';
import { HeldModel, ModelFault, ModelSet } from './model-set';
import { newSwapMetrics } from './metrics';
import type { SwapMetrics } from './metrics';
import { Reopened } from './reopened';
import { Shadow } from './shadow';
import type { HotScorerOptions } from './options';
import type { OpenedModel } from './source';
import { Trial } from './trial';
import type { RollbackReason } from './trial';

export class HotScorer<M extends OpenedModel = OpenedModel> implements Scorer {
  readonly metrics: SwapMetrics = newSwapMetrics();
  private set: ModelSet<M>;
  private readonly trials = new Map<string, Trial<M>>();
  private readonly shadows = new Map<string, Shadow>();
  /** Nothing is swapped in any more. */
  isClosed = false;
  /** Trials and shadows: what a batch has to look after besides its answers. */
  private beside = 0;
  private readonly reopened: Reopened<M>;

  /** Throws when the models do not fit together; they are the caller's then. */
  constructor(
    models: readonly M[],
    private readonly options: HotScorerOptions<M>,
  ) {
    this.set = new ModelSet(
      models.map(model => this.held(model)),
      options.source,
    );
    this.reopened = new Reopened(options.openPrevious, model => this.held(model));
    this.describe();
  }

  get constants(): ScoringConstants {
    return this.set.constants;
  }

  /** Of the models, when none of them is on trial; null while one is. */
  get provenConstants(): ScoringConstants | null {
    return this.trials.size === 0 ? this.set.constants : null;
  }

  versionOf(name: string): string {
    return this.set.of(name).version;
  }

  async score(vectors: Float32Array, rows: number): Promise<RawScoreColumns> {
    return (await this.scoreBatch(vectors, rows)).raw;
  }

  /** By the models of `constants`, as they are at the call. */
  async explain(vectors: Float32Array, rows: readonly number[], largest?: number): Promise<Reason[][]> {
    return this.set.explain?.(vectors, rows, largest) ?? rows.map(() => []);
  }

  async scoreBatch(vectors: Float32Array, rows: number): Promise<BatchAnswers> {
    for (;;) {
      const { set } = this;
      try {
        if (this.beside === 0)
          return { raw: await set.score(vectors, rows, this.options.nowMicros, null), by: set };
        const answers = await this.watched(set, vectors, rows);
        if (answers !== null) return answers;
      } catch (error) {
        if (!(error instanceof ModelFault)) throw error;
        await this.rescue(error as ModelFault & { model: HeldModel<M> }, vectors, rows);
      }
      this.metrics.answeredAgain++;
    }
  }

  /** Null: a model was rolled back over this batch, so that it has to be answered again. */
  private async watched(set: ModelSet<M>, vectors: Float32Array, rows: number): Promise<BatchAnswers | null> {
    const took: number[] = [];
    const raw = await set.score(vectors, rows, this.options.nowMicros, took);
    const columns = raw as Readonly<Record<string, Float32Array>>;
    let isRolledBack = false;
    for (const trial of [...this.trials.values()]) {
      const at = set.models.indexOf(trial.model);
      if (at < 0 || this.trials.get(trial.model.name) !== trial) continue;
      trial.noteBatch(rows, took[at]!);
      await trial.compare(vectors, rows, columns[trial.model.name]!);
      isRolledBack = this.judge(trial) || isRolledBack;
    }
    if (isRolledBack) return null;
    for (const shadow of this.shadows.values())
      shadow.follow(vectors, rows, VECTOR_WIDTH, columns[shadow.held.name]!);
    return { raw, by: set };
  }

  /** True when the model went back. */
  private judge(trial: Trial<M>): boolean {
    const { name, version } = trial.model;
    if (this.trials.get(name) !== trial) return false;
    const noticedAt = this.options.nowMicros();
    const verdict = trial.verdict(this.options.now());
    if (verdict === null) return false;
    if (verdict.kind === 'failed') {
      this.rollBack(trial.model, trial.previous, verdict.reason, verdict.words, noticedAt);
      return true;
    }
    if (verdict.kind === 'passed') this.endTrial(name);
    const { scored } = trial;
    this.options.onEvent(
      verdict.kind === 'passed'
        ? { kind: 'proven', model: name, version, scored }
        : { ...verdict, kind: 'trialExtended', model: name, version },
    );
    return false;
  }

  /** Judges trials whose time is over, also when nothing is scored. */
  look(): void {
    for (const trial of [...this.trials.values()]) this.judge(trial);
  }

  /** Rolls the model back if the one before can answer the batch. Throws what the model threw if not. */
  private async rescue(
    { model, cause }: ModelFault & { model: HeldModel<M> },
    vectors: Float32Array,
    rows: number,
  ): Promise<void> {
    const isScoring = (): boolean => this.set.models.includes(model);
    // Another lane has met the same.
    if (!isScoring()) return;
    const noticedAt = this.options.nowMicros();
    const previous = await this.previousOf(model);
    if (previous === null) {
      if (isScoring()) throw cause;
      return;
    }
    try {
      await previous.model.answer(vectors, rows).catch(() => {
        throw cause;
      });
      if (isScoring()) this.rollBack(model, previous, 'output', wordsOf(cause), noticedAt);
    } finally {
      previous.drop();
    }
  }

  /** The last one that is proven, held: beside a model on trial it is open, else it is opened now. */
  private previousOf(model: HeldModel<M>): Promise<HeldModel<M> | null> {
    const trial = this.trials.get(model.name);
    return trial?.model === model ? Promise.resolve(trial.previous.hold()) : this.reopened.before(model);
  }

  private rollBack(
    model: HeldModel<M>,
    to: HeldModel<M>,
    reason: RollbackReason,
    words: string,
    noticedAt: number,
  ): void {
    const { name, version } = model;
    const trial = this.trials.get(name);
    this.replace(to);
    this.endTrial(name);
    this.reopened.forget(name);
    const tookMs = (this.options.nowMicros() - noticedAt) / 1_000;
    this.metrics.rollbacks[reason]++;
    this.metrics.rollbackMs = tookMs;
    const scoredForMs = trial?.model === model ? this.options.now() - trial.startedAt : null;
    const event = { model: name, version, previous: to.version, reason, words, scoredForMs, tookMs };
    this.options.onEvent({ kind: 'rolledBack', ...event });
  }

  /** What scores from the start is on trial beside the version that was proven before the process began. */
  tryBeside(proven: M): void {
    this.startTrial(this.set.of(proven.name), this.held(proven).hold());
  }

  /**
   * Scores with this version from the next batch on; `isTried` false: without a trial. Throws when it does not fit the
   * others; nothing changes then.
   */
  swap(opened: M, tookMs: number, isTried = true): void {
    const model = this.held(opened);
    const { name, version } = model;
    const trial = this.trials.get(name);
    const before = this.set.of(name);
    const previous = trial?.previous ?? before;
    previous.hold();
    try {
      this.replace(model);
    } catch (error) {
      previous.drop();
      throw error;
    }
    this.endTrial(name);
    this.reopened.forget(name);
    const isOnTrial = isTried && this.options.trial.forMs > 0;
    if (isOnTrial) this.startTrial(model, previous);
    else previous.drop();
    this.noteSwap({ model: name, version, previous: before.version, tookMs, isOnTrial });
  }

  /** To the last proven version, without opening it again. False: it is not at hand. */
  returnTo(name: string, version: string): boolean {
    const trial = this.trials.get(name);
    if (trial?.previous.version !== version) return false;
    this.replace(trial.previous);
    this.endTrial(name);
    const previous = trial.model.version;
    this.noteSwap({ model: name, version, previous, tookMs: 0, isOnTrial: false });
    return true;
  }

  private noteSwap(swapped: Omit<Extract<SwapEvent, { kind: 'swapped' }>, 'kind'>): void {
    this.metrics.swaps++;
    this.options.onEvent({ kind: 'swapped', ...swapped });
  }

  /** Answers beside the current model; null ends it. */
  setShadow(name: string, opened: M | null): void {
    this.shadows.get(name)?.close();
    this.shadows.delete(name);
    if (opened !== null) {
      const { shadow: limits, nowMicros, onEvent } = this.options;
      const failed = (shadow: Shadow, reason: 'error' | 'slow', words: string): void => {
        this.metrics.shadowFailures[reason]++;
        if (this.shadows.get(name) === shadow) this.shadows.delete(name);
        this.describe();
        onEvent({ kind: 'shadowFailed', model: name, version: opened.version, reason, words });
      };
      this.shadows.set(name, new Shadow(this.held(opened), limits, nowMicros, failed));
    }
    this.describe();
  }

  /** Ends shadows and trials, and frees the models after the last batch. */
  close(): void {
    this.isClosed = true;
    for (const name of [...this.shadows.keys()]) this.setShadow(name, null);
    for (const name of [...this.trials.keys()]) this.endTrial(name);
    for (const { name } of this.set.models) this.reopened.forget(name);
    this.set.retire();
  }

  private held(model: M): HeldModel<M> {
    const { name, version } = model;
    return new HeldModel(model, error => {
      if (error !== null)
        this.options.onEvent({ kind: 'releaseFailed', model: name, version, words: wordsOf(error) });
    });
  }

  private replace(model: HeldModel<M>): void {
    const next = this.set.with(model);
    this.set.retire();
    this.set = next;
    this.describe();
  }

  private startTrial(model: HeldModel<M>, previous: HeldModel<M>): void {
    this.trials.set(model.name, new Trial(model, previous, this.options.now(), this.options.trial));
    this.describe();
  }

  private endTrial(name: string): void {
    this.trials.get(name)?.previous.drop();
    this.trials.delete(name);
    this.describe();
  }

  private describe(): void {
    const { metrics, set, trials, shadows } = this;
    this.beside = trials.size + shadows.size;
    metrics.scoring = Object.fromEntries(set.models.map(({ name, version }) => [name, version]));
    metrics.onTrial = Object.fromEntries(set.models.map(({ name }) => [name, trials.has(name)]));
    metrics.shadows = [...shadows.values()].map(({ counts }) => counts);
  }
}
