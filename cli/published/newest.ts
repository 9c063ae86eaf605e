/** The newest of many, in memory for few; and how many there were of each kind. */
export class Newest<T extends { order: number }> {
  private held: T[] = [];

  constructor(private readonly limit: number) {}

  add(item: T): void {
    this.held.push(item);
    if (this.held.length >= 2 * this.limit + 64) this.cut();
  }

  /** Newest first. */
  items(): readonly T[] {
    this.cut();
    return this.held;
  }

  private cut(): void {
    this.held = this.held.sort((a, b) => b.order - a.order).slice(0, this.limit);
  }
}

export class Counts {
  private readonly counts = new Map<string, number>();

  add(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, many) => sum + many, 0);
  }

  /** The most frequent first. */
  entries(): [kind: string, many: number][] {
    return [...this.counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  }
}
