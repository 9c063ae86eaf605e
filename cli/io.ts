/** Everything that a command may touch of the process around it, so that tests can run commands in process. */
import type { Readable, Writable } from 'node:stream';
import type { ScorerPlace, SourcePlace } from '../models';
import type { Clock, Scorer } from '../processors/ports';
import type { ModelSource } from '../processors/swap';

/** A scorer whose models are released at the end. */
export type OpenedScorer = Scorer & { release(): Promise<void> };

export interface Io {
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
  env: Readonly<Record<string, string | undefined>>;
  /** Relative paths of options start here. */
  cwd: string;
  clock: Clock;
  /** User and system CPU time of this process so far, microseconds. */
  cpuMicros: () => number;
  /** True when a person reads stdout: tables are coloured and progress is drawn. */
  terminal: boolean;
  /** Verifies and loads the current artifacts of a registry. */
  openScorer: (place: ScorerPlace) => Promise<OpenedScorer>;
  /** The registry as a process follows it that scores live; left out: its models stay those of `openScorer`. */
  openModelSource?: (place: SourcePlace) => ModelSource;
  /** Aborted by SIGINT and SIGTERM: long commands stop at their next safe point. */
  signal: AbortSignal;
}

/** Writes and waits while the reader is slower than we are. A reader that went away ends the wait. */
export async function write(stream: Writable, text: string): Promise<void> {
  if (stream.write(text) || stream.destroyed) return;
  await new Promise<void>(resolve => {
    const done = (): void => {
      stream.off('drain', done).off('close', done).off('error', done);
      resolve();
    };
    stream.once('drain', done).once('close', done).once('error', done);
  });
}
