/**
 * Sorts rows that may not fit in memory: rows are collected up to a budget, each full collection is sorted and
 * written as a run, and the runs are merged by a heap. More than `FAN_IN` runs are first merged into fewer, so the
 * number of open files and of read buffers is bounded. The order is total (order, file, line), so the result does
 * not depend on the budget.
 */
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { compareRows, decodeRow, encodeRow, rowWeight, type SortedRow } from './row';

const FAN_IN = 64;
const BUFFER_BYTES = 256 * 1024;

/** Appends encoded rows to a file in large writes. */
class RunWriter {
  private readonly file: number;
  private parts: Buffer[] = [];
  private pending = 0;

  constructor(path: string) {
    this.file = openSync(path, 'w');
  }

  add(row: SortedRow): void {
    const encoded = encodeRow(row);
    this.parts.push(encoded);
    this.pending += encoded.length;
    if (this.pending >= BUFFER_BYTES) this.flush();
  }

  close(): void {
    this.flush();
    closeSync(this.file);
  }

  private flush(): void {
    const all = Buffer.concat(this.parts);
    for (let at = 0; at < all.length;) at += writeSync(this.file, all, at, all.length - at);
    this.parts = [];
    this.pending = 0;
  }
}

/** Reads a run row by row through one buffer. */
function* readRun(path: string): Generator<SortedRow> {
  const file = openSync(path, 'r');
  try {
    let buffer: Buffer = Buffer.alloc(0);
    const fill = (need: number): boolean => {
      while (buffer.length < need) {
        const chunk = Buffer.allocUnsafe(Math.max(BUFFER_BYTES, need - buffer.length));
        const read = readSync(file, chunk, 0, chunk.length, null);
        if (read === 0) return false;
        buffer = Buffer.concat([buffer, chunk.subarray(0, read)]);
      }
      return true;
    };
    while (fill(4)) {
      const length = buffer.readUInt32LE(0);
      if (!fill(4 + length)) throw new Error(`the sorted run ${path} ends in the middle of a row`);
      yield decodeRow(buffer.subarray(4, 4 + length));
      buffer = buffer.subarray(4 + length);
    }
  } finally {
    closeSync(file);
  }
}

interface Head {
  row: SortedRow;
  rest: Iterator<SortedRow>;
}

/** Binary heap over the heads of the runs. */
export function* mergeSorted(sources: Iterable<SortedRow>[]): Generator<SortedRow> {
  const heap: Head[] = [];
  const sink = (start: number): void => {
    for (let at = start; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && compareRows(heap[child].row, heap[least].row) < 0) least = child;
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least], heap[at]];
      at = least;
    }
  };
  for (const source of sources) {
    const rest = source[Symbol.iterator]();
    const first = rest.next();
    if (!first.done) heap.push({ row: first.value, rest });
  }
  for (let at = Math.floor(heap.length / 2) - 1; at >= 0; at--) sink(at);
  while (heap.length > 0) {
    const head = heap[0];
    yield head.row;
    const next = head.rest.next();
    if (next.done) {
      const last = heap.pop() as Head;
      if (heap.length > 0) heap[0] = last;
    } else head.row = next.value;
    sink(0);
  }
}

export class ExternalSort {
  private rows: SortedRow[] = [];
  private weight = 0;
  private runs: string[] = [];
  private made = 0;
  /** Rows added so far. */
  count = 0;

  /** `directory` is made when the first run is written. */
  constructor(
    private readonly directory: string,
    private readonly budgetBytes: number,
  ) {}

  add(row: SortedRow): void {
    this.rows.push(row);
    this.count++;
    this.weight += rowWeight(row);
    if (this.weight > this.budgetBytes) this.spill();
  }

  /** Runs on disk so far; 0 means that everything fitted. */
  get spilled(): number {
    return this.runs.length;
  }

  /** All rows in order. May be called once; `dispose` removes the runs afterwards. */
  *sorted(): Generator<SortedRow> {
    if (this.runs.length === 0) {
      this.rows.sort(compareRows);
      yield* this.rows;
      return;
    }
    if (this.rows.length > 0) this.spill();
    while (this.runs.length > FAN_IN) this.shrink();
    yield* mergeSorted(this.runs.map(readRun));
  }

  dispose(): void {
    this.rows = [];
    if (this.made > 0) rmSync(this.directory, { recursive: true, force: true });
  }

  private nextRun(): string {
    if (this.made === 0) {
      // What an earlier, killed run left behind is of no use: the rows are read again.
      rmSync(this.directory, { recursive: true, force: true });
      mkdirSync(this.directory, { recursive: true });
    }
    return join(this.directory, `run-${String(this.made++).padStart(6, '0')}`);
  }

  private write(rows: Iterable<SortedRow>): string {
    const path = this.nextRun();
    const writer = new RunWriter(path);
    for (const row of rows) writer.add(row);
    writer.close();
    return path;
  }

  private spill(): void {
    this.rows.sort(compareRows);
    this.runs.push(this.write(this.rows));
    this.rows = [];
    this.weight = 0;
  }

  private shrink(): void {
    const group = this.runs.splice(0, FAN_IN);
    this.runs.push(this.write(mergeSorted(group.map(readRun))));
    for (const path of group) rmSync(path);
  }
}
