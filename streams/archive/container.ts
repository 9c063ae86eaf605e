/**
 * Avro object container files (Avro specification, "Object Container Files") with bytes that follow from the rows and
 * the name: no compression, whose output changes between versions of its library, and no random marker.
 */
import { Type } from 'avsc';
import { ArchiveDamagedError } from './errors';
import { syncMarker } from './names';

/** A record as Kafka had it. */
export interface ArchivedRow {
  offset: number;
  /** Of the broker, ms. */
  recordAt: number;
  key: string;
  /** Null is a tombstone. */
  value: Buffer | null;
  /** Kafka held something here that could not be read. */
  fault: { code: string; reason: string } | null;
}

const ROW_SCHEMA = {
  type: 'record',
  name: 'ArchivedRecord',
  namespace: 'rescore.archive',
  fields: [
    { name: 'offset', type: 'long' },
    { name: 'recordAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'key', type: 'string' },
    { name: 'value', type: ['null', 'bytes'] },
    {
      name: 'fault',
      type: [
        'null',
        {
          type: 'record',
          name: 'Fault',
          fields: [
            { name: 'code', type: 'string' },
            { name: 'reason', type: 'string' },
          ],
        },
      ],
    },
  ],
} as const;

const ROW = Type.forSchema(ROW_SCHEMA as never, { wrapUnions: false });
const METADATA = Type.forSchema({ type: 'map', values: 'bytes' });
const LONG = Type.forSchema('long');
const MAGIC = Buffer.from('Obj\u0001', 'latin1');
/** A block is closed at or above this, before compression that there is none of. */
const BLOCK_BYTES = 64 * 1024;

const HEADER = Buffer.concat([
  MAGIC,
  METADATA.toBuffer({
    'avro.schema': Buffer.from(JSON.stringify(ROW_SCHEMA)),
    'avro.codec': Buffer.from('null'),
  }),
]);

export function encodeFile(name: string, rows: readonly ArchivedRow[]): Buffer {
  const marker = syncMarker(name);
  const parts: Buffer[] = [HEADER, marker];
  let block: Buffer[] = [];
  let size = 0;
  const close = (): void => {
    if (block.length === 0) return;
    parts.push(LONG.toBuffer(block.length), LONG.toBuffer(size), ...block, marker);
    block = [];
    size = 0;
  };
  for (const row of rows) {
    const bytes = ROW.toBuffer(row);
    block.push(bytes);
    size += bytes.length;
    if (size >= BLOCK_BYTES) close();
  }
  close();
  return Buffer.concat(parts);
}

/** Rows in the order of their offsets. Values are views into `bytes`. @throws ArchiveDamagedError */
export function decodeFile(name: string, bytes: Buffer): ArchivedRow[] {
  const marker = syncMarker(name);
  const start = HEADER.length + marker.length;
  if (!bytes.subarray(0, start).equals(Buffer.concat([HEADER, marker])))
    throw new ArchiveDamagedError(`${name} does not begin as a file of the archive.`);
  const rows: ArchivedRow[] = [];
  for (let at = start; at < bytes.length;) at = decodeBlock(name, bytes, at, marker, rows);
  return rows;
}

function decodeBlock(name: string, bytes: Buffer, from: number, marker: Buffer, rows: ArchivedRow[]): number {
  const next = <T>(type: Type, at: number): { value: T; offset: number } => {
    const read = type.decode(bytes, at) as { value: T; offset: number };
    if (read.offset < 0) throw new ArchiveDamagedError(`${name} ends in the middle of a record.`);
    return read;
  };
  const count = next<number>(LONG, from);
  const size = next<number>(LONG, count.offset);
  let at = size.offset;
  for (let left = count.value; left > 0; left--) {
    const row = next<ArchivedRow>(ROW, at);
    rows.push({ ...row.value });
    at = row.offset;
  }
  const end = at + marker.length;
  if (at !== size.offset + size.value || !bytes.subarray(at, end).equals(marker))
    throw new ArchiveDamagedError(`${name} has a damaged block at byte ${from}.`);
  return end;
}
