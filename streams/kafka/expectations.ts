/** Which lanes of a group are about to publish, and how often: a transaction waits for them. */
export class Expectations {
  /** By partition; a lane may announce its next batch before the one in flight has come. */
  private readonly announced = new Map<number, number>();

  announce(partition: number): void {
    this.announced.set(partition, (this.announced.get(partition) ?? 0) + 1);
  }

  /** One of its batches is here, announced or not. */
  came(partition: number): void {
    const left = (this.announced.get(partition) ?? 0) - 1;
    if (left > 0) this.announced.set(partition, left);
    else this.announced.delete(partition);
  }

  /** It begins anew, or is not waited for any longer. */
  forget(partition: number): void {
    this.announced.delete(partition);
  }

  lanes(): number[] {
    return [...this.announced.keys()];
  }

  /** Lanes that are still to come, where these are here. */
  missing(here: readonly { partition: number }[]): number[] {
    const present = new Set(here.map(({ partition }) => partition));
    return this.lanes().filter(partition => !present.has(partition));
  }
}
