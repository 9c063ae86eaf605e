/**
 * Sorted rows of numbers in one flat array: what every repeated part of the facts is kept in.
 *
 * Facts are read, changed and written for every input, so their layout decides the cost of a customer
 * (docs/adr/0002): one array of doubles a part, no object a row. Column 0 is the sort key.
 */

/** V8 keeps these as plain doubles inside its heap; a typed array of this size costs an allocation outside, and GC. */
let zeros = doublesOf(1_024);

function doublesOf(length: number): number[] {
  // An array that once held a fraction stays one of doubles.
  return new Array<number>(length).fill(0.5).fill(0);
}

/** Zeros, stored as doubles. */
export function newCells(length: number): number[] {
  if (length > zeros.length) zeros = doublesOf(length * 2);
  return zeros.slice(0, length);
}

const NO_CELLS = newCells(0);

function move(cells: number[], to: number, from: number, end: number): void {
  if (to <= from) for (let at = from; at < end; at++) cells[to + at - from] = cells[at]!;
  else for (let at = end - 1; at >= from; at--) cells[to + at - from] = cells[at]!;
}

export class Table {
  rows = 0;
  cells: number[];

  /** Most parts of most customers are empty: those share one array of no cells. */
  constructor(
    readonly width: number,
    capacity = 0,
  ) {
    this.cells = capacity === 0 ? NO_CELLS : newCells(capacity * width);
  }

  at(row: number, column: number): number {
    return this.cells[row * this.width + column]!;
  }

  set(row: number, column: number, value: number): void {
    this.cells[row * this.width + column] = value;
  }

  add(row: number, column: number, value: number): void {
    this.cells[row * this.width + column]! += value;
  }

  /** First row whose key is at or above `key`; `rows` when there is none. */
  lowerBound(key: number): number {
    const { cells, width } = this;
    if (this.rows === 0 || cells[(this.rows - 1) * width]! < key) return this.rows;
    let low = 0;
    let high = this.rows - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cells[middle * width]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Opens a row of zeros before `row`. */
  insert(row: number): void {
    this.reserve(this.rows + 1);
    const from = row * this.width;
    move(this.cells, from + this.width, from, this.rows * this.width);
    this.cells.fill(0, from, from + this.width);
    this.rows++;
  }

  /** Removes `count` rows from `row` on. */
  remove(row: number, count = 1): void {
    if (count <= 0) return;
    move(this.cells, row * this.width, (row + count) * this.width, this.rows * this.width);
    this.rows -= count;
  }

  /** Makes room for `rows` rows; what is there stays. */
  reserve(rows: number): void {
    if (rows * this.width <= this.cells.length) return;
    const held = this.rows * this.width;
    const grown = newCells(
      Math.max(rows, Math.ceil((this.cells.length / this.width) * 1.5) + 1) * this.width,
    );
    for (let at = 0; at < held; at++) grown[at] = this.cells[at]!;
    this.cells = grown;
  }

  clear(): void {
    this.rows = 0;
  }

  copy(): Table {
    const copy = new Table(this.width);
    copy.cells = this.cells.slice(0, this.rows * this.width);
    copy.rows = this.rows;
    return copy;
  }

  /** Rows as plain arrays, for tests, exports and normal forms. */
  toRows(): number[][] {
    return Array.from({ length: this.rows }, (_, row) =>
      this.cells.slice(row * this.width, (row + 1) * this.width),
    );
  }
}
