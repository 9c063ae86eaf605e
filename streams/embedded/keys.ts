/** Keys of the embedded store: bytes whose order is the order in which they are read. */
import type { CustomerId, EpochMs } from '../../schemas';

const OFFSET_BYTES = 6;

/** topic (1), partition (2), offset (6), big endian. */
export function logKey(topic: number, partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(3 + OFFSET_BYTES);
  key[0] = topic;
  key.writeUInt16BE(partition, 1);
  key.writeUIntBE(offset, 3, OFFSET_BYTES);
  return key;
}

export const logKeyOffset = (key: Buffer): number => key.readUIntBE(3, OFFSET_BYTES);
export const MAX_OFFSET = 2 ** 48 - 1;

/** partition (2), customer id (UTF-8). */
export function stateKey(partition: number, id: CustomerId): Buffer {
  const key = Buffer.allocUnsafe(2 + Buffer.byteLength(id));
  key.writeUInt16BE(partition, 0);
  key.write(id, 2, 'utf8');
  return key;
}

export const stateKeyId = (key: Buffer): CustomerId => key.toString('utf8', 2);

/** partition (2), due instant (6), customer id: instants before 1970 do not occur (the floor of event time is 1990). */
export function dueKey(partition: number, dueAt: EpochMs, id: CustomerId): Buffer {
  const key = Buffer.allocUnsafe(8 + Buffer.byteLength(id));
  key.writeUInt16BE(partition, 0);
  key.writeUIntBE(Math.max(0, Math.min(dueAt, MAX_OFFSET)), 2, OFFSET_BYTES);
  key.write(id, 8, 'utf8');
  return key;
}

export const dueKeyAt = (key: Buffer): EpochMs => key.readUIntBE(2, OFFSET_BYTES);
export const dueKeyId = (key: Buffer): CustomerId => key.toString('utf8', 8);

/** The smallest key of the next partition: an exclusive end. */
export function partitionEnd(partition: number): Buffer {
  const key = Buffer.allocUnsafe(2);
  key.writeUInt16BE(partition + 1, 0);
  return key;
}

export function sequenceKey(sequence: number): Buffer {
  const key = Buffer.allocUnsafe(OFFSET_BYTES);
  key.writeUIntBE(sequence, 0, OFFSET_BYTES);
  return key;
}

export const sequenceOf = (key: Buffer): number => key.readUIntBE(0, OFFSET_BYTES);
