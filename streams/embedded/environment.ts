/** The LMDB environment of a state directory: its tables, its version, its one writer. */
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { open } from 'lmdb';
import type { Database, RootDatabase, RootDatabaseOptionsWithPath } from 'lmdb';
import { EmbeddedError, explainWriteError, isCutShort, isGivenUp } from './errors';
import { lockDirectory } from './lock';

/** Raised when the layout of keys or values changes. */
export const STORE_VERSION = 1;

export type Table = Database<Buffer, Buffer>;

/** What an acknowledgement survives: the death of the process, or also the loss of power. */
export type Durability = 'process' | 'power';

export interface Environment {
  readonly directory: string;
  readonly partitions: number;
  readonly log: Table;
  readonly states: Table;
  readonly due: Table;
  readonly output: Table;
  readonly meta: Table;
  /** One transaction; all of it or nothing. @throws EmbeddedError `disk-full` */
  write<T>(work: () => T): T;
  /** Called when a transaction was rolled back: what is kept in memory beside it must be read again. */
  onRollback(listener: () => void): void;
  /** Reads see the newest committed state from here on. */
  renewSnapshot(): void;
  getDocument<T>(name: string): T | null;
  /** Inside `write` only. */
  putDocument(name: string, value: unknown): void;
  sizeBytes(): number;
  backup(file: string): Promise<void>;
  close(): Promise<void>;
}

export interface EnvironmentOptions {
  directory: string;
  /** Of a new store; an existing one must agree. Default 4. */
  partitions?: number;
  durability?: Durability;
  /** Next to a writer: takes no lock and cannot write. */
  readOnly?: boolean;
}

interface StoreDocument {
  version: number;
  partitions: number;
}

const STORE_FILE = 'rescore.mdb';

export function openEnvironment(options: EnvironmentOptions): Environment {
  const { directory, readOnly = false, durability = 'process' } = options;
  const file = path.join(directory, STORE_FILE);
  if (readOnly) requireStore(file, directory);
  else mkdirSync(directory, { recursive: true });
  const unlock = readOnly ? () => undefined : lockDirectory(directory);
  try {
    const root = open<Buffer, Buffer>({
      path: file,
      encoding: 'binary',
      keyEncoding: 'binary',
      noSubdir: true,
      maxDbs: 8,
      readOnly,
      overlappingSync: false,
      noSync: durability === 'process',
    } as RootDatabaseOptionsWithPath);
    return build(root, options, file, unlock);
  } catch (error) {
    unlock();
    throw explainWriteError(error, directory);
  }
}

function requireStore(file: string, directory: string): void {
  try {
    statSync(file);
  } catch {
    throw new EmbeddedError(
      'state-missing',
      `There is no state in ${directory}. Name the directory that rescore replay or run wrote, with --state.`,
    );
  }
}

function build(
  root: RootDatabase<Buffer, Buffer>,
  options: EnvironmentOptions,
  file: string,
  unlock: () => void,
): Environment {
  const { directory } = options;
  const table = (name: string): Table =>
    root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' } as never);
  const meta = table('meta');
  const rollbackListeners: (() => void)[] = [];
  // After a write that the disk cut short LMDB must not be asked again: it may end the process.
  let full: EmbeddedError | null = null;
  const attempt = <T>(work: () => T): T => {
    try {
      return root.transactionSync(work);
    } catch (error) {
      for (const listener of rollbackListeners) listener();
      throw error;
    }
  };
  const write = <T>(work: () => T): T => {
    if (full !== null) throw full;
    try {
      return attempt(work);
    } catch (error) {
      if (isGivenUp(error)) return attempt(work);
      const explained = explainWriteError(error, directory);
      if (explained instanceof EmbeddedError && isCutShort(error)) full = explained;
      throw explained;
    }
  };
  const getDocument = <T>(name: string): T | null => {
    const bytes = meta.get(Buffer.from(name));
    return bytes === undefined ? null : (JSON.parse(bytes.toString('utf8')) as T);
  };
  const putDocument = (name: string, value: unknown): void => {
    meta.putSync(Buffer.from(name), Buffer.from(JSON.stringify(value)));
  };
  const store = agree(getDocument<StoreDocument>('store'), options);
  if (options.readOnly !== true) write(() => putDocument('store', store));
  return {
    directory,
    partitions: store.partitions,
    log: table('log'),
    states: table('states'),
    due: table('due'),
    output: table('output'),
    meta,
    write,
    onRollback: listener => void rollbackListeners.push(listener),
    renewSnapshot: () => root.resetReadTxn(),
    getDocument,
    putDocument,
    sizeBytes: () => statSync(file).size,
    backup: async target => {
      await (root as unknown as { backup(path: string, compact: boolean): Promise<void> }).backup(
        target,
        true,
      );
    },
    close: async () => {
      await root.close();
      unlock();
    },
  };
}

function agree(found: StoreDocument | null, { directory, partitions }: EnvironmentOptions): StoreDocument {
  if (found === null) return { version: STORE_VERSION, partitions: partitions ?? 4 };
  if (found.version !== STORE_VERSION)
    throw new EmbeddedError(
      'state-version',
      `The state in ${directory} has version ${found.version}, this program writes ${STORE_VERSION}. Use the program that wrote it, or replay into a new directory.`,
    );
  if (partitions !== undefined && partitions !== found.partitions)
    throw new EmbeddedError(
      'state-partitions',
      `The state in ${directory} has ${found.partitions} partitions, the settings ask for ${partitions}. The number is fixed when a state is made: set partitions to ${found.partitions}, or replay into a new directory.`,
    );
  return found;
}
