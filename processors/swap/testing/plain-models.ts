/** Models by formula and a registry in memory, so that the laws of the swap need no runtime. */
import { CONSTANTS } from '../../core/testing/inputs';
import type { ModelSource, OpenedModel, PointerMove, Pointed } from '..';

type Formula = (vectors: Float32Array, rows: number) => Float32Array | Promise<Float32Array>;

export class PlainModel implements OpenedModel {
  readonly isAmount: boolean;
  released = 0;
  underWay = 0;
  /** Asked after its release, or released while it answered. */
  isBroken = false;

  constructor(
    readonly name: string,
    readonly version: string,
    private readonly formula: Formula,
  ) {
    this.isAmount = name === 'ltv';
  }

  async answer(vectors: Float32Array, rows: number): Promise<Float32Array> {
    if (this.released > 0) this.isBroken = true;
    this.underWay++;
    try {
      return await this.formula(vectors, rows);
    } finally {
      this.underWay--;
    }
  }

  release(): Promise<void> {
    if (this.underWay > 0) this.isBroken = true;
    this.released++;
    return Promise.resolve();
  }
}

/** The first feature of each row, as a share; `change` on top. */
export const following =
  (change: (share: number) => number = share => share): Formula =>
  (vectors, rows) =>
    Float32Array.from({ length: rows }, (_, row) => change(vectors[row * (vectors.length / rows)]!));

export const failing: Formula = () => Promise.reject(new Error('row 0 gave NaN'));

export class PlainSource implements ModelSource<PlainModel> {
  readonly names = ['engagement', 'churn', 'ltv'];
  readonly pointers = new Map<string, Pointed>();
  readonly shadows = new Map<string, Pointed>();
  readonly opened: PlainModel[] = [];
  readonly moves: string[] = [];
  /** How often a version was tried. */
  readonly tries = new Map<string, number>();
  /** What becomes of the wish to move a pointer back. */
  moveAnswer: PointerMove | Error = 'moved';
  private readonly formulas = new Map<string, Formula | Error>();

  constructor() {
    for (const name of this.names) this.publish(name, 'v1', following());
  }

  publish(name: string, version: string, formula: Formula | Error): void {
    this.formulas.set(`${name}/${version}`, formula);
    this.point(name, version);
  }

  add(name: string, version: string, formula: Formula | Error): void {
    this.formulas.set(`${name}/${version}`, formula);
  }

  point(name: string, version: string): void {
    const seen = this.pointers.get(name);
    const sequence = (seen?.sequence ?? 0) + 1;
    this.pointers.set(name, { version, digest: null, sequence, previous: seen?.version ?? null });
  }

  /** As a person rolls back: what scored is withdrawn. */
  takeBack(name: string, to: string): void {
    const { version, sequence } = this.pointers.get(name)!;
    const pointed = { version: to, digest: null, sequence: sequence + 1, previous: null };
    this.pointers.set(name, { ...pointed, withdrawn: [version] });
  }

  champion(name: string): Promise<Pointed> {
    return Promise.resolve(this.pointers.get(name)!);
  }

  shadow(name: string): Promise<Pointed | null> {
    return Promise.resolve(this.shadows.get(name) ?? null);
  }

  open(name: string, version: string): Promise<PlainModel> {
    const key = `${name}/${version}`;
    this.tries.set(key, (this.tries.get(key) ?? 0) + 1);
    const formula = this.formulas.get(key);
    if (formula === undefined) return Promise.reject(new Error(`${key} is not there`));
    if (formula instanceof Error) return Promise.reject(formula);
    const model = new PlainModel(name, version, formula);
    this.opened.push(model);
    return Promise.resolve(model);
  }

  assemble(models: readonly PlainModel[]) {
    return { constants: { ...CONSTANTS, models: models.map(({ name, version }) => ({ name, version })) } };
  }

  moveBack(name: string, from: string, to: string): Promise<PointerMove> {
    if (this.moveAnswer instanceof Error) return Promise.reject(this.moveAnswer);
    this.moves.push(`${name}: ${from} to ${to}`);
    if (this.moveAnswer === 'moved') this.point(name, to);
    return Promise.resolve(this.moveAnswer);
  }

  close(): void {
    // Nothing is held open.
  }
}
