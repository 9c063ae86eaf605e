/** Where an archive is kept: a folder or a bucket. One contract suite (storage.contract.ts), two adapters. */
export interface ArchiveStorage {
  /** For people: the path or the address. */
  readonly place: string;
  /** Names that begin with `prefix`, in byte order. */
  list(prefix: string): Promise<string[]>;
  /** Null when there is no such object. */
  read(name: string): Promise<Buffer | null>;
  /** All of it or nothing, and it stays after a crash. Replaces what had the name. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  close(): void;
}
