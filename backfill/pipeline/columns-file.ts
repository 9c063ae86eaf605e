/**
 * Typed columns in one file of a run folder, little-endian:
 *
 *     "RSCOLS1\n"   u32 length of the head   head: JSON {meta, columns: [{name, kind, length}]}   columns, each at a
 *     multiple of 8 bytes
 */
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
}

const MAGIC = 'RSCOLS1\n';
const START = MAGIC.length + 4;
const padded = (length: number): number => Math.ceil(length / 8) * 8;

const kindOf = (column: Column): Kind =>
  (Object.keys(KINDS) as Kind[]).find(kind => column instanceof KINDS[kind])!;

export function encodeColumns(meta: unknown, columns: Columns): Buffer {
  if (endianness() !== 'LE') throw new Error('Run folders are written on little-endian machines only.');
  const entries = Object.entries(columns);
  const head = Buffer.from(
    JSON.stringify({
      meta,
      columns: entries.map(([name, column]) => ({ name, kind: kindOf(column), length: column.length })),
    }),
  );
  const parts = entries.map(([, column]) => column);
  const size = parts.reduce((sum, { byteLength }) => sum + padded(byteLength), padded(START + head.length));
  const bytes = Buffer.alloc(size);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32LE(head.length, MAGIC.length);
  head.copy(bytes, START);
  let at = padded(START + head.length);
  for (const part of parts) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += padded(part.byteLength);
  }
  return bytes;
}

/** @throws BackfillError run-damaged */
export function decodeColumns<Meta>(bytes: Buffer, file: string): { meta: Meta; columns: Columns } {
  const damaged = (): BackfillError => new BackfillError('run-damaged', `${file} is not whole.`);
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw damaged();
  const headBytes = bytes.readUInt32LE(MAGIC.length);
  if (START + headBytes > bytes.length) throw damaged();
  const { meta, columns: listed } = JSON.parse(
    bytes.toString('utf8', START, START + headBytes),
  ) as Head<Meta>;
  let at = padded(START + headBytes);
  const columns: Record<string, Column> = {};
  for (const { name, kind, length } of listed) {
    const size = length * KINDS[kind].BYTES_PER_ELEMENT;
    if (at + size > bytes.length) throw damaged();
    // A copy: the bytes of a Buffer may begin anywhere.
    columns[name] = new KINDS[kind](
      bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + size) as ArrayBuffer,
    );
    at += padded(size);
  }
  return { meta, columns };
}
