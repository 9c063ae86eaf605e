/**
 * Follows the pointers of a registry: what they point at is opened and swapped in, a candidate is set beside the current
 * model, and a model that was rolled back stays away. Nothing that goes wrong here stops a lane: the models that score
 * go on, the metric `behind` says so, and the next attempt waits twice as long as the one before.
 *
 * A version that was rolled back is not swapped in again as long as the pointer has not moved since. When a pointer that
 * has moved names it again, a person has promoted it (publishing refuses withdrawn versions), and it is tried again.
 */
import type { Clock } from '../ports';
import { wordsOf } from './events';
import type { SwapEvent } from './events';
import type { HotScorer } from './hot-scorer';
import { isStillAt } from './source';
import type { ModelMemory, ModelSource, OpenedModel, Pointed, Rollback } from './source';

export interface FollowerOptions<M extends OpenedModel> {
  source: ModelSource<M>;
  clock: Clock;
  nowMicros: () => number;
  /** How often the pointers are read, ms. */
  everyMs: number;
  /** Pointers may be moved back; false: a rollback is this process's alone. */
  movesPointers: boolean;
  /** Left out: what it finds out ends with the process. */
  memory?: ModelMemory;
  onEvent: (event: SwapEvent | FollowerEvent) => void;
}

export type FollowerEvent =
  /** It was tried and may not score, or cannot be reached; the current one goes on. */
  | {
      kind: 'refused';
      role: 'champion' | 'shadow';
      model: string;
      version: string;
      code: string;
      words: string;
      /** From opening it to the refusal. */
      tookMs: number;
    }
  | { kind: 'unreadable'; model: string; words: string }
  | { kind: 'pointerMoved'; model: string; from: string; to: string; how: 'moved' | 'elsewhere' }
  | { kind: 'pointerStays'; model: string; words: string }
  /** It was rolled back before this process began, and its pointer has not moved since. */
  | { kind: 'stillRolledBack'; model: string; version: string; previous: string; words: string }
  /** What scores from the start became current while nobody looked; `proven` answers beside it. */
  | { kind: 'startsOnTrial'; model: string; version: string; proven: string }
  /** `proven` may not score any more, so that what scores from the start has nobody to be compared with. */
  | { kind: 'untried'; model: string; version: string; proven: string; words: string }
  /** The next process will not know of the rollback, or that it is proven. */
  | { kind: 'notRemembered'; what: 'rollback' | 'proven'; model: string; version: string; words: string }
  | { kind: 'shadowing'; model: string; version: string | null };

/** Tried before, without success. */
interface Refusal {
  target: string;
  attempts: number;
  notBefore: number;
  code: string;
}

interface Rejection extends Rollback {
  /** The pointer was asked to move, and is elsewhere now. */
  isTold: boolean;
}

const LONGEST_WAIT_MS = 3_600_000;

const codeOf = (error: unknown): string => {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'unexpected';
};

export class ModelFollower<M extends OpenedModel = OpenedModel> {
  private readonly pointers = new Map<string, Pointed>();
  private readonly refusals = new Map<string, Refusal>();
  private readonly rejections = new Map<string, Rejection>();
  /** What scored before each version, `name/version`, as pointers said it: one entry a publication. */
  private readonly before = new Map<string, string>();
  /** Versions that were rolled back here, and that nobody has brought back. */
  private readonly unfit = new Set<string>();
  /** The last word about each name that cannot be read; absent when it was read since. */
  private readonly unreadable = new Map<string, string>();
  /** Pointer that each shadow is from; one that failed is not begun again. */
  private readonly shadows = new Map<string, number>();

  constructor(
    private readonly hot: HotScorer<M>,
    private readonly options: FollowerOptions<M>,
  ) {}

  /** Of the pointers that the scoring models were opened by, and what was rolled back before. */
  begin(pointers: ReadonlyMap<string, Pointed>, rollbacks: readonly Rollback[] = []): void {
    for (const rollback of rollbacks) this.reject(rollback);
    for (const [name, pointed] of pointers) {
      this.notePointer(name, pointed);
      this.hot.metrics.behind[name] = this.hot.versionOf(name) !== pointed.version;
    }
    // Who never looks again is not late with it.
    if (this.options.everyMs > 0) this.hot.metrics.lookedAt = this.options.clock.now();
  }

  /** Until the signal says stop; a look that is under way then ends by itself, and changes nothing of what is closed. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, everyMs } = this.options;
    const stopped = new Promise<void>(resolve =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal);
      if (!signal.aborted) await Promise.race([this.look(), stopped]);
    }
  }

  /** The newest version that scored before this one and was not rolled back here; null: no pointer knew one. */
  previousOf(name: string, version: string): string | null {
    const seen = new Set([version]);
    for (let at = version; ;) {
      const older = this.before.get(`${name}/${at}`);
      if (older === undefined || seen.has(older)) return null;
      if (!this.unfit.has(`${name}/${older}`)) return older;
      seen.add((at = older));
    }
  }

  private notePointer(name: string, pointed: Pointed): void {
    this.pointers.set(name, pointed);
    if (pointed.previous !== null) this.before.set(`${name}/${pointed.version}`, pointed.previous);
  }

  noteRollback(event: Extract<SwapEvent, { kind: 'rolledBack' }>): void {
    const { model, version, previous, reason, words } = event;
    const sequence = this.pointers.get(model)?.sequence ?? 0;
    const said = `${reason}: ${words}`;
    const rollback = { model, version, sequence, previous, words: said };
    this.reject(rollback);
    this.hot.metrics.behind[model] = true;
    this.remember('rollback', model, version, memory => memory.rememberRollback(rollback));
    // A person who brings the version back wants it tried, also where it was proven before it failed.
    this.noteProven(model, previous);
  }

  /** It passed its trial, or it scores without one. */
  noteProven(model: string, version: string): void {
    this.remember('proven', model, version, memory => memory.rememberProven(model, version));
  }

  private remember(
    what: 'rollback' | 'proven',
    model: string,
    version: string,
    write: (memory: ModelMemory) => Promise<void>,
  ): void {
    const { memory, onEvent } = this.options;
    if (memory === undefined) return;
    write(memory).catch((error: unknown) => {
      onEvent({ kind: 'notRemembered', what, model, version, words: wordsOf(error) });
    });
  }

  private reject(rollback: Rollback): void {
    this.rejections.set(rollback.model, { ...rollback, isTold: false });
    this.unfit.add(`${rollback.model}/${rollback.version}`);
  }

  /** Reads every pointer once and does what it says. Never throws. */
  async look(): Promise<void> {
    this.hot.look();
    let isWhole = true;
    for (const name of this.options.source.names) {
      try {
        await this.follow(name, await this.options.source.champion(name));
        await this.followShadow(name);
        this.unreadable.delete(name);
      } catch (error) {
        isWhole = false;
        this.noteUnreadable(name, wordsOf(error));
      }
    }
    if (isWhole) this.hot.metrics.lookedAt = this.options.clock.now();
  }

  private noteUnreadable(name: string, words: string): void {
    if (this.unreadable.get(name) === words) return;
    this.unreadable.set(name, words);
    this.options.onEvent({ kind: 'unreadable', model: name, words });
  }

  private async follow(name: string, pointed: Pointed): Promise<void> {
    this.notePointer(name, pointed);
    if (this.isRejected(name, pointed)) {
      await this.moveBack(name, pointed);
    } else if (this.hot.versionOf(name) !== pointed.version && !this.hot.returnTo(name, pointed.version)) {
      // A trial beside what was taken back would bring it back when the two differ.
      const isTried = pointed.withdrawn?.includes(this.hot.versionOf(name)) !== true;
      await this.tryOpen(name, pointed, 'champion', (model, tookMs) => this.hot.swap(model, tookMs, isTried));
    }
    this.hot.metrics.behind[name] = this.hot.versionOf(name) !== pointed.version;
  }

  private isRejected(name: string, pointed: Pointed): boolean {
    const rejection = this.rejections.get(name);
    if (rejection !== undefined && isStillAt(rejection, pointed)) return true;
    this.rejections.delete(name);
    // A person has brought it back.
    this.unfit.delete(`${name}/${pointed.version}`);
    return false;
  }

  /** The registry is told what this process found out, if it may. */
  private async moveBack(name: string, { version }: Pointed): Promise<void> {
    const rejection = this.rejections.get(name)!;
    if (!this.options.movesPointers || rejection.isTold) return;
    const { previous, words } = rejection;
    if (!this.isDue(name, `back to ${previous}`)) return;
    try {
      const how = await this.options.source.moveBack(name, version, previous, words);
      rejection.isTold = true;
      this.options.onEvent({ kind: 'pointerMoved', model: name, from: version, to: previous, how });
    } catch (error) {
      const isNew = this.noteRefusal(name, `back to ${previous}`, codeOf(error));
      if (isNew) this.options.onEvent({ kind: 'pointerStays', model: name, words: wordsOf(error) });
    }
  }

  private async followShadow(name: string): Promise<void> {
    const { source, onEvent } = this.options;
    const pointed = await source.shadow(name);
    // A candidate that scores by now needs no shadow.
    const wanted = pointed?.version === this.hot.versionOf(name) ? null : pointed;
    const sequence = wanted?.sequence;
    if (this.shadows.get(name) === sequence) return;
    if (wanted === null) {
      this.shadows.delete(name);
      this.hot.setShadow(name, null);
      return onEvent({ kind: 'shadowing', model: name, version: null });
    }
    await this.tryOpen(name, wanted, 'shadow', model => {
      this.shadows.set(name, wanted.sequence);
      this.hot.setShadow(name, model);
      onEvent({ kind: 'shadowing', model: name, version: model.version });
    });
  }

  /** Opens it and hands it over, unless it was refused a moment ago. */
  private async tryOpen(
    name: string,
    { version, digest, sequence }: Pointed,
    role: 'champion' | 'shadow',
    take: (model: M, tookMs: number) => void,
  ): Promise<void> {
    const { source, nowMicros, onEvent } = this.options;
    const [key, target] = [`${role} ${name}`, `${version}@${sequence}`];
    if (!this.isDue(key, target)) return;
    const startedAt = nowMicros();
    let model: M | null = null;
    try {
      model = await source.open(name, version, digest);
      // The process has ended meanwhile: nobody is left to hold it.
      if (this.hot.isClosed) return await model.release();
      take(model, (nowMicros() - startedAt) / 1_000);
      this.refusals.delete(key);
    } catch (error) {
      await model?.release();
      const tookMs = (nowMicros() - startedAt) / 1_000;
      const code = codeOf(error);
      const { refusals } = this.hot.metrics;
      refusals[code] = (refusals[code] ?? 0) + 1;
      if (this.noteRefusal(key, target, code))
        onEvent({ kind: 'refused', role, model: name, version, code, words: wordsOf(error), tookMs });
    }
  }

  private isDue(key: string, target: string): boolean {
    const refusal = this.refusals.get(key);
    return refusal?.target !== target || this.options.clock.now() >= refusal.notBefore;
  }

  /** True when it is worth a line: the first time, and when the reason has changed. */
  private noteRefusal(key: string, target: string, code: string): boolean {
    const before = this.refusals.get(key);
    const same = before?.target === target ? before : undefined;
    const attempts = (same?.attempts ?? 0) + 1;
    const waitMs = Math.min(LONGEST_WAIT_MS, this.options.everyMs * 2 ** attempts);
    const notBefore = this.options.clock.now() + waitMs;
    this.refusals.set(key, { target, attempts, notBefore, code });
    return same?.code !== code;
  }
}
