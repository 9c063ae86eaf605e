/**
 * Embedded mode: log, state, due index, positions and output in one LMDB environment, by one adapter that
 * implements three ports together.
 */
import { openEnvironment } from './environment';
import type { Environment, EnvironmentOptions } from './environment';
import { EmbeddedLog } from './log';
import { OutputLog } from './output';
import { EmbeddedStore } from './store';

export { EmbeddedError } from './errors';
export type { EmbeddedErrorCode } from './errors';
export type { Durability, EnvironmentOptions } from './environment';
export { EmbeddedHistory } from './history';
export type { OutputRecord } from './output';

export interface Embedded {
  readonly environment: Environment;
  readonly log: EmbeddedLog;
  /** Also the publisher: a commit publishes. */
  readonly store: EmbeddedStore;
  readonly output: OutputLog;
  close(): Promise<void>;
}

/** @throws EmbeddedError when the directory is in use, of another version or partition count, or on a full disk. */
export function openEmbedded(options: EnvironmentOptions): Embedded {
  const environment = openEnvironment(options);
  const log = new EmbeddedLog(environment);
  const output = new OutputLog(environment);
  const store = new EmbeddedStore(environment, log, output);
  return { environment, log, store, output, close: () => environment.close() };
}
