/** An output file that is only ever appended to, and cut back to what was committed when a run starts again. */
import { closeSync, existsSync, fsyncSync, ftruncateSync, fstatSync, openSync, writeSync } from 'node:fs';
import { CliError } from '../errors';

const FLUSH_BYTES = 1 << 20;

export class LineFile {
  private readonly file: number;
  private parts: string[] = [];
  private pending = 0;
  private written: number;

  /** `size` is what was committed; 0 for a new file. A shorter file was changed by somebody else: an error. */
  constructor(
    readonly path: string,
    size: number,
  ) {
    this.file = openSync(path, existsSync(path) ? 'r+' : 'w+');
    const found = fstatSync(this.file).size;
    if (found < size) {
      closeSync(this.file);
      throw new CliError('state-damaged', `${path} has ${found} bytes where the state committed ${size}.`);
    }
    ftruncateSync(this.file, size);
    this.written = size;
  }

  add(value: unknown): void {
    const line = `${JSON.stringify(value)}\n`;
    this.parts.push(line);
    this.pending += line.length;
    if (this.pending > FLUSH_BYTES) this.flush();
  }

  /** Writes everything out and forces it to the disk; answers with the size. */
  sync(): number {
    this.flush();
    fsyncSync(this.file);
    return this.written;
  }

  close(): void {
    closeSync(this.file);
  }

  private flush(): void {
    const body = Buffer.from(this.parts.join(''), 'utf8');
    for (let at = 0; at < body.length;)
      at += writeSync(this.file, body, at, body.length - at, this.written + at);
    this.written += body.length;
    this.parts = [];
    this.pending = 0;
  }
}
