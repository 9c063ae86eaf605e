/** The input files of a replay: found, known by digest, each once, and read row by row. */
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { openReader, type Mapping } from '../../streams/mapping';
import { CliError, EXIT } from '../errors';
import type { Intake } from './intake';
import type { KnownFile } from './progress-record';

export interface InputFile extends KnownFile {
  /** Absolute. */
  path: string;
  bytes: number;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** In the order given; a second file with the same bytes is left out. `CliError` input-missing. */
export async function findFiles(
  given: readonly string[],
  resolve: (name: string) => string,
): Promise<{ files: InputFile[]; repeated: string[] }> {
  const files: InputFile[] = [];
  const repeated: string[] = [];
  for (const name of given) {
    const path = resolve(name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found?.isFile()) throw new CliError('input-missing', `There is no file ${name}.`, EXIT.usage);
    const digest = await digestOf(path);
    if (files.some(file => file.digest === digest)) repeated.push(name);
    else files.push({ name, path, digest, bytes: found.size });
  }
  return { files, repeated };
}

const SIGNAL_EVERY = 4_096;

/** Reads all files into the intake. Stops with an error when the signal is aborted. */
export async function readFiles(
  files: readonly InputFile[],
  mapping: Mapping | null,
  intake: Intake,
  onRow: (rows: number) => void,
): Promise<void> {
  let rows = 0;
  for (const [file, { path, name }] of files.entries()) {
    for await (const { line, raw, reading } of openReader({ file: path, mapping })) {
      intake.take(reading, { file, name, line, raw });
      if (++rows % SIGNAL_EVERY === 0) onRow(rows);
    }
  }
  onRow(rows);
}
