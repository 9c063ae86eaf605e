/** A map that forgets what was not touched for longest: what a consumer may keep of millions of customers. */
export class Remembered<V> {
  private readonly held = new Map<string, V>();

  constructor(private readonly most: number) {}

  get(key: string): V | undefined {
    return this.held.get(key);
  }

  set(key: string, value: V): void {
    // A map keeps its keys in the order in which they came.
    this.held.delete(key);
    this.held.set(key, value);
    if (this.held.size > this.most) this.held.delete(this.held.keys().next().value!);
  }

  delete(key: string): void {
    this.held.delete(key);
  }
}
