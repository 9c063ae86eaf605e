/** How a command talks: results on stdout (text or JSON), everything about the way there on stderr. */
import { write, type Io } from '../io';
import { progressOf, SILENT, type Progress } from './progress';
import { coloursFor, type Colours } from './style';
import { renderTable, type Column } from './table';

export interface OutputOptions {
  json: boolean;
  verbose: boolean;
}

export class Reporter {
  readonly colours: Colours;

  constructor(
    readonly io: Io,
    readonly options: OutputOptions,
  ) {
    this.colours = coloursFor(io.terminal && !options.json, io.env);
  }

  get json(): boolean {
    return this.options.json;
  }

  /** Text of the result; nothing with --json, where the one JSON value is the result. */
  async text(line: string): Promise<void> {
    if (!this.json) await write(this.io.stdout, `${line}\n`);
  }

  async table(columns: Column[], rows: string[][]): Promise<void> {
    if (!this.json) await write(this.io.stdout, renderTable(columns, rows, this.colours));
  }

  /** The result for programs; nothing without --json. Infinite numbers become null. */
  async result(value: unknown): Promise<void> {
    if (this.json) await write(this.io.stdout, `${JSON.stringify(value, null, 2)}\n`);
  }

  /** Something that a person should know and that is no result. */
  note(line: string): void {
    this.io.stderr.write(`${line}\n`);
  }

  detail(line: string): void {
    if (this.options.verbose) this.note(line);
  }

  progress(label: string, total: number, unit: string): Progress {
    return this.json && !this.options.verbose ? SILENT : progressOf(this.io, label, total, unit);
  }
}
