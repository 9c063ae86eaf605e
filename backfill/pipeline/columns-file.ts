/**
 * Typed columns in one file of a run folder, little-endian:
 *
 *     "RSCOLS2\n"   u32 length of the head   head: JSON {meta, columns: [{name, kind, length}], sha256}   columns, each
 *     at a multiple of 8 bytes; the digest is of their bytes
 */
import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import { BackfillError } from './errors';

const KINDS = {
  f64: Float64Array,
  f32: Float32Array,
  u32: Uint32Array,
  i32: Int32Array,
  u8: Uint8Array,
} as const;
type Kind = keyof typeof KINDS;
export type Column = Float64Array | Float32Array | Uint32Array | Int32Array | Uint8Array;
export type Columns = Readonly<Record<string, Column>>;

interface Head<Meta> {
  meta: Meta;
  columns: { name: string; kind: Kind; length: number }[];
  sha256: string;
}

const MAGIC = 'RSCOLS2\n';
const START = MAGIC.length + 4;
const padded = (length: number): number => Math.ceil(length / 8) * 8;

const kindOf = (column: Column): Kind =>
  (Object.keys(KINDS) as Kind[]).find(kind => column instanceof KINDS[kind])!;

export function encodeColumns(meta: unknown, columns: Columns): Buffer {
  if (endianness() !== 'LE') throw new Error('Run folders are written on little-endian machines only.');
  const entries = Object.entries(columns);
  const parts = entries.map(([, column]) => column);
  const head = Buffer.from(
    JSON.stringify({
      meta,
      columns: entries.map(([name, column]) => ({ name, kind: kindOf(column), length: column.length })),
      sha256: digestOf(parts),
    }),
  );
  const size = parts.reduce((sum, { byteLength }) => sum + padded(byteLength), padded(START + head.length));
  const bytes = Buffer.alloc(size);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32LE(head.length, MAGIC.length);
  head.copy(bytes, START);
  let at = padded(START + head.length);
  for (const part of parts) {
    bytes.set(bytesOf(part), at);
    at += padded(part.byteLength);
  }
  return bytes;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Column): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

function digestOf(columns: readonly Column[]): string {
  const hash = createHash('sha256');
  for (const column of columns) hash.update(bytesOf(column));
  return hash.digest('hex');
}

/** @throws BackfillError run-damaged */
export function decodeColumns<Meta>(bytes: Buffer, file: string): { meta: Meta; columns: Columns } {
  const { head, end } = headOf<Meta>(bytes, file);
  let at = end;
  const columns: Record<string, Column> = {};
  for (const { name, kind, length } of head.columns) {
    const size = length * KINDS[kind].BYTES_PER_ELEMENT;
    if (at + size > bytes.length) throw damaged(file);
    // A copy: the bytes of a Buffer may begin anywhere.
    columns[name] = new KINDS[kind](
      bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + size) as ArrayBuffer,
    );
    at += padded(size);
  }
  if (digestOf(Object.values(columns)) !== head.sha256) throw damaged(file);
  return { meta: head.meta, columns };
}

const damaged = (file: string): BackfillError =>
  new BackfillError('run-damaged', `${file} is not what was written.`);

function headOf<Meta>(bytes: Buffer, file: string): { head: Head<Meta>; end: number } {
  if (bytes.length < START || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw damaged(file);
  const end = START + bytes.readUInt32LE(MAGIC.length);
  if (end > bytes.length) throw damaged(file);
  try {
    return { head: JSON.parse(bytes.toString('utf8', START, end)) as Head<Meta>, end: padded(end) };
  } catch {
    throw damaged(file);
  }
}
