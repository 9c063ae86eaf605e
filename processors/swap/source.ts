/** What the swap needs of a registry, as types: models/live has the adapter, the simulation its own. */
import type { BatchAnswers } from '../ports';

/** A version of a model, open: verified, proven on its golden vectors, warm. */
export interface OpenedModel {
  readonly name: string;
  readonly version: string;
  /** Answers have no upper end (an amount of money): differences are relative. */
  readonly isAmount: boolean;
  /** `rows` answers, each inside the range of the manifest; anything else throws. `vectors` may be longer. */
  answer(vectors: Float32Array, rows: number): Promise<Float32Array>;
  /** Frees the session; nobody asks it any more. */
  release(): Promise<void>;
}

/** What a pointer of the registry says. */
export interface Pointed {
  readonly version: string;
  /** SHA-256 of the manifest; null: any that a trusted key signed. */
  readonly digest: string | null;
  /** Counts the moves of the pointer. */
  readonly sequence: number;
  /** Scored before it. */
  readonly previous: string | null;
  /** A person, or a processor, has taken these back. */
  readonly withdrawn?: readonly string[];
}

/** A version that a process has rolled back while the pointer stayed at it. */
export interface Rollback {
  model: string;
  version: string;
  /** Of the pointer that named it. */
  sequence: number;
  /** Scores instead. */
  previous: string;
  words: string;
}

/** What processes that share a state know of versions. */
export interface RememberedModels {
  /** The newest of each model. */
  rollbacks: readonly Rollback[];
  /** The version of each model that last passed a trial, or scored first. */
  proven: ReadonlyMap<string, string>;
}

/**
 * Beside the state, so that a restart neither brings back what was rolled back, nor lets a version score untried that
 * became current while nobody looked.
 */
export interface ModelMemory {
  recall(): Promise<RememberedModels>;
  rememberRollback(rollback: Rollback): Promise<void>;
  rememberProven(model: string, version: string): Promise<void>;
}

/** Whether the pointer still is where the version was rolled back; moved to it anew, a person has brought it back. */
export const isStillAt = ({ version, sequence }: Rollback, pointed: Pointed): boolean =>
  pointed.version === version && pointed.sequence <= sequence;

/** What becomes of the wish to move a pointer back. */
export type PointerMove = 'moved' | 'elsewhere';

export interface ModelSource<M extends OpenedModel = OpenedModel> {
  /** Models without which nobody can be scored. */
  readonly names: readonly string[];
  /** The version that is to score. */
  champion(name: string): Promise<Pointed>;
  /** The version that is to score beside it; null: none. */
  shadow(name: string): Promise<Pointed | null>;
  /** Verifies and opens a version. Throws with a `code` when it may not score; nothing stays open then. */
  open(name: string, version: string, digest: string | null): Promise<M>;
  /** What a set of models says together beside its answers. Throws when they do not fit together. */
  assemble(models: readonly M[]): BatchAnswers['by'];
  /** Points at `to` if the pointer is still at `from` (compare-and-set); elsewhere: it is not, nothing was changed. */
  moveBack(name: string, from: string, to: string, reason: string): Promise<PointerMove>;
  close(): void;
}
