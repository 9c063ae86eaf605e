/**
 * Where the replay of an item stands: customers, snapshots so far, and the offsets behind it. Vectors never change, so
 * they lie in a file of their own that only grows; a checkpoint says how far it is good.
 */
import type { CustomerId, EpochMs, InputTopic } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import { VECTOR_WIDTH, decodeCustomer, encodeCustomer } from '../../processors/core';
import type { MailPositions } from '../../processors/ports';
import { Snapshots } from '../dataset';
import type { FoldState, Track } from '../dataset';
import type { Offsets } from '../history/merged';
import { decodeColumns, encodeColumns } from './columns-file';
import { columnsOfRows, idsOfColumn, idsToColumn, rowsOfColumns } from './row-columns';
import type { GroupValues } from './row-columns';

export interface Checkpoint {
  /** Item, range and files that it belongs to: another one is of no use. */
  of: string;
  offsets: Offsets;
  mailPositions: MailPositions;
  /** The program that folded up to here, and how it read records; null: several did. */
  foldedBy: string | null;
  /** Newest arrival so far; -Infinity before the first. */
  arrivedAt: EpochMs;
  records: number;
  state: FoldState;
}

interface Meta {
  of: string;
  foldedBy: string | null;
  offsets: Offsets;
  mailPositions: MailPositions;
  arrivedAt: EpochMs | null;
  records: number;
  counts: FoldState['counts'];
  clocks: Record<InputTopic, EpochMs | null>;
  groups: GroupValues;
}

/** Size of the vectors that are in the file for good. */
export const vectorBytes = ({ drained }: Snapshots): number =>
  drained * VECTOR_WIDTH * Float32Array.BYTES_PER_ELEMENT;

/** JSON has no infinities. */
const finite = (at: EpochMs): EpochMs | null => (at === -Infinity ? null : at);

export function encodeCheckpoint({ state, arrivedAt, ...rest }: Checkpoint): Buffer {
  const { tracks, snapshots, counts, clocks } = state;
  const ids = [...tracks.keys()];
  const places = new Map(ids.map((id, place) => [id, place]));
  const stored = Array.from(tracks.values(), ({ customer }) => encodeCustomer(customer));
  const { groups, columns } = columnsOfRows(snapshots.rows, places);
  const meta: Meta = {
    ...rest,
    arrivedAt: finite(arrivedAt),
    counts,
    clocks: Object.fromEntries(INPUT_TOPICS.map(topic => [topic, finite(clocks[topic])])) as Meta['clocks'],
    groups,
  };
  return encodeColumns(meta, {
    ids: idsToColumn(ids),
    nextSnapshotAt: Float64Array.from(tracks.values(), ({ nextSnapshotAt }) => nextSnapshotAt),
    storedLength: Uint32Array.from(stored, ({ length }) => length),
    stored: Buffer.concat(stored),
    ...columns,
  });
}

/** @throws BackfillError run-damaged, CorruptStateError */
export function decodeCheckpoint(bytes: Buffer, file: string): Checkpoint {
  const { meta, columns } = decodeColumns<Meta>(bytes, file);
  const ids = idsOfColumn(columns);
  const rows = rowsOfColumns({ groups: meta.groups, columns }, ids);
  const tracks = new Map<CustomerId, Track>();
  const stored = columns['stored'] as Uint8Array;
  let at = 0;
  ids.forEach((id, place) => {
    const end = at + columns['storedLength']![place]!;
    const customer = decodeCustomer(id, stored.subarray(at, end));
    tracks.set(id, { customer, nextSnapshotAt: columns['nextSnapshotAt']![place]!, rows: [] });
    at = end;
  });
  for (const row of rows) tracks.get(row.customerId)!.rows.push(row);
  const clocks = Object.fromEntries(
    INPUT_TOPICS.map(topic => [topic, meta.clocks[topic] ?? -Infinity]),
  ) as FoldState['clocks'];
  const { of, foldedBy, offsets, mailPositions, records, counts } = meta;
  const state = { counts, clocks, tracks, snapshots: new Snapshots(rows) };
  const arrivedAt = meta.arrivedAt ?? -Infinity;
  return { of, foldedBy, offsets, mailPositions, arrivedAt, records, state };
}
