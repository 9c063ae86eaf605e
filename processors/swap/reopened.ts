/** Versions that scored before, opened when a model fails that has nobody beside it: once for all lanes. */
import type { HeldModel } from './model-set';
import type { OpenedModel } from './source';

export class Reopened<M extends OpenedModel> {
  private readonly openings = new Map<string, Promise<HeldModel<M> | null>>();

  constructor(
    private readonly open: (model: string, version: string) => Promise<M | null>,
    private readonly held: (model: M) => HeldModel<M>,
  ) {}

  /** What scored before `model`, held for the caller; null: nothing did, or it cannot be opened now. */
  async before({ name, version }: HeldModel<M>): Promise<HeldModel<M> | null> {
    const key = `${name}/${version}`;
    const opening = this.openings.get(key) ?? this.begin(key, name, version);
    const found = await opening.catch(() => {
      // The registry may answer the next time.
      this.openings.delete(key);
      return null;
    });
    return this.openings.get(key) === opening ? (found?.hold() ?? null) : null;
  }

  private begin(key: string, name: string, version: string): Promise<HeldModel<M> | null> {
    const opening = this.open(name, version).then(opened => opened && this.held(opened).hold());
    this.openings.set(key, opening);
    return opening;
  }

  forget(name: string): void {
    for (const [key, opening] of this.openings) {
      if (!key.startsWith(`${name}/`)) continue;
      this.openings.delete(key);
      void opening.then(
        held => held?.drop(),
        () => undefined,
      );
    }
  }
}
