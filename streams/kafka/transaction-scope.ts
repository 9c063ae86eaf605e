/** What the present transaction comprises: the broker is told of each partition, and of the group, once. */

/** Partitions by the names of their topics. */
export type Targets = ReadonlyMap<string, Iterable<number>>;

export class TransactionScope {
  private readonly partitions = new Map<string, Set<number>>();
  private hasGroup = false;

  /** Takes the targets in; returns those that were not there yet. */
  widen(targets: Targets): { topic: string; partitions: number[] }[] {
    const added: { topic: string; partitions: number[] }[] = [];
    for (const [topic, wanted] of targets) {
      let held = this.partitions.get(topic);
      if (held === undefined) this.partitions.set(topic, (held = new Set()));
      const before = held;
      const partitions = [...new Set(wanted)].filter(partition => !before.has(partition));
      for (const partition of partitions) held.add(partition);
      if (partitions.length > 0) added.push({ topic, partitions });
    }
    return added;
  }

  /** True the first time. */
  takeGroup(): boolean {
    const isNew = !this.hasGroup;
    this.hasGroup = true;
    return isNew;
  }
}
