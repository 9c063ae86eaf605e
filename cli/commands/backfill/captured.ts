/** A command of ours run inside another one: what it writes to stdout, kept. */
import { Writable } from 'node:stream';
import type { Io } from '../../io';

export class Captured extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** The same process otherwise; nothing else of it is touched. */
export const withStdout = (io: Io, stdout: Writable): Io =>
  Object.create(io, { stdout: { value: stdout } }) as Io;
