/** Files of a run folder: each is there whole or not at all, and stays after a crash. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { BackfillError } from './errors';

export function writeWhole(file: string, bytes: Uint8Array): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true });
  const partial = `${file}.partial`;
  const descriptor = openSync(partial, 'w');
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at, bytes.length - at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(partial, file);
  flushFolder(folder);
}

/** A rename stays after a crash of the machine when its folder was flushed. */
function flushFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** For people too: indented, ends in a newline. */
export const writeJson = (file: string, value: unknown): void =>
  writeWhole(file, Buffer.from(`${JSON.stringify(value, null, 2)}\n`));

/** Null when there is none. @throws BackfillError run-damaged */
export function readJson<T>(file: string): T | null {
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch (cause) {
    throw new BackfillError('run-damaged', `${file} is not JSON.`, { cause });
  }
}

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

const CHUNK_BYTES = 16 * 1_048_576;

/** Fills `target`, or as much of it as the file has; more than 2 GB, which `readFileSync` refuses, is no matter. */
export function readInto(target: Uint8Array, file: string): number {
  const descriptor = openSync(file, 'r');
  try {
    let done = 0;
    for (let read = -1; read !== 0 && done < target.length; done += read)
      read = readSync(descriptor, target, done, Math.min(CHUNK_BYTES, target.length - done), done);
    return done;
  } finally {
    closeSync(descriptor);
  }
}

/** The first `length` bytes of `from`, or as many as there are, as all of `to`. Their digest. */
export function copyStart(from: string, to: string, length: number): string {
  mkdirSync(dirname(to), { recursive: true });
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(1, length)));
  const source = openSync(from, 'r');
  const target = openSync(to, 'w');
  try {
    for (let left = length; left > 0;) {
      const read = readSync(source, chunk, 0, Math.min(chunk.length, left), null);
      if (read === 0) break;
      const bytes = chunk.subarray(0, read);
      hash.update(bytes);
      for (let done = 0; done < read;) done += writeSync(target, bytes, done);
      left -= read;
    }
    fsyncSync(target);
    return hash.digest('hex');
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

export function sha256OfFile(file: string): string {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const descriptor = openSync(file, 'r');
  try {
    for (let read = -1; read !== 0;) {
      read = readSync(descriptor, chunk);
      hash.update(chunk.subarray(0, read));
    }
    return hash.digest('hex');
  } finally {
    closeSync(descriptor);
  }
}
