/** Worlds for the laws of the archive: a log that grows and expires, storages in memory, one of which crashes. */
import type { ArchivedTopic } from '../../../schemas';
import type { ArchivedRow } from '../container';
import type { ArchiveSource, HeldRange } from '../source';
import type { ArchiveStorage } from '../storage';

interface HeldRows {
  topic: ArchivedTopic;
  partition: number;
  rows: readonly ArchivedRow[];
}

const PAGE = 7;

export class LogSource implements ArchiveSource {
  private readonly starts = new Map<HeldRows, number>();
  /** Only records before this offset are decided. */
  shown = Infinity;

  constructor(
    private readonly count: number,
    private readonly logs: readonly HeldRows[],
  ) {}

  show(offset: number): void {
    this.shown = offset;
  }

  expire(topic: ArchivedTopic, partition: number, start: number): void {
    this.starts.set(this.at(topic, partition)!, start);
  }

  private at(topic: ArchivedTopic, partition: number): HeldRows | undefined {
    return this.logs.find(one => one.topic === topic && one.partition === partition);
  }

  partitions(): number {
    return this.count;
  }

  held(topic: ArchivedTopic): Promise<HeldRange[]> {
    const ranges = Array.from({ length: this.count }, (_, partition) => {
      const held = this.at(topic, partition);
      const start = (held && this.starts.get(held)) ?? 0;
      const last = held?.rows.at(-1)?.offset ?? -1;
      // A marker behind the last record, as transactions leave it.
      return { start, end: Math.max(start, Math.min(this.shown, last < 0 ? 0 : last + 2)) };
    });
    return Promise.resolve(ranges);
  }

  async *read(
    topic: ArchivedTopic,
    partition: number,
    from: number,
    to: number,
  ): AsyncGenerator<ArchivedRow[]> {
    const rows = (this.at(topic, partition)?.rows ?? []).filter(
      ({ offset }) => offset >= from && offset < to,
    );
    for (let at = 0; at < rows.length; at += PAGE) yield await Promise.resolve(rows.slice(at, at + PAGE));
  }
}

export class MemoryStorage implements ArchiveStorage {
  readonly place = 'memory';
  protected readonly objects = new Map<string, Buffer>();

  list(prefix: string): Promise<string[]> {
    const names = [...this.objects.keys()].filter(name => name.startsWith(prefix));
    return Promise.resolve(names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  }

  read(name: string): Promise<Buffer | null> {
    const held = this.objects.get(name);
    return Promise.resolve(held === undefined ? null : Buffer.from(held));
  }

  write(name: string, bytes: Uint8Array): Promise<void> {
    this.objects.set(name, Buffer.from(bytes));
    return Promise.resolve();
  }

  remove(name: string): void {
    this.objects.delete(name);
  }

  close(): void {
    // Nothing is held open.
  }

  contents(): Record<string, string> {
    const entries = [...this.objects].map(([name, bytes]) => [name, bytes.toString('latin1')] as const);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** Dies before or after a write, at random moments that the test chooses. */
export class CrashingStorage extends MemoryStorage {
  private left = Infinity;

  /** Writes until the crash; null: never. Even numbers of steps end before a write, odd ones after it. */
  crashAfter(steps: number | null): void {
    this.left = steps ?? Infinity;
  }

  private step(): void {
    if (this.left-- <= 0) throw new Error('crash');
  }

  override async write(name: string, bytes: Uint8Array): Promise<void> {
    this.step();
    await super.write(name, bytes);
    this.step();
  }
}
