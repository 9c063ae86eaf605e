/** Where a registry is kept: a folder or a bucket. One contract suite (store.contract.ts), two adapters. */

export interface StoredObject {
  bytes: Uint8Array;
  /** Names these bytes at this place: what `swap` compares. */
  tag: string;
}

/** Object names are relative, with slashes. */
export interface RegistryStore {
  /** For people: the path or the address. */
  readonly place: string;
  /** Names that begin with `prefix`, in byte order. */
  list(prefix: string): Promise<string[]>;
  /** Null when there is no such object. Throws `ArtifactError` (`file-oversize`) above `limit` bytes. */
  read(name: string, limit: number): Promise<StoredObject | null>;
  /**
   * Compare-and-set: writes all of `bytes` or nothing, if the object still carries `expected`, or does not exist
   * when that is null. They stay after a crash. True when afterwards exactly these bytes are there through this call
   * or another one like it (an answer that was lost and asked for again is no defeat); false changes nothing.
   */
  swap(name: string, bytes: Uint8Array, expected: string | null): Promise<boolean>;
  close(): void;
}
