/** How messages are sent, whoever sends them. */
import { CompressionTypes } from 'kafkajs';
import type { Compression } from './publisher';

export const COMPRESSION: Readonly<Record<Compression, CompressionTypes>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
};

/** `send` is quadratic in the messages of a partition. */
export const MESSAGES_A_SEND = 1_000;

export const SEND_RETRY = { initialRetryTime: 20, multiplier: 2, maxRetryTime: 1_000, retries: 8 };

export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** All messages of a send for one partition are one record batch, and topics bound its bytes (1 MiB by default). */
export const BYTES_A_SEND = 786_432;

/** What a record costs beside its key and value: headers, lengths. */
const RECORD_OVERHEAD_BYTES = 512;

/** In order, in portions that a client handles well and a topic takes; one item alone may be larger. */
export function* portionsOf<T>(items: readonly T[], bytesOf: (item: T) => number): Generator<readonly T[]> {
  let from = 0;
  let bytes = 0;
  for (let at = 0; at < items.length; at++) {
    const next = bytesOf(items[at]!) + RECORD_OVERHEAD_BYTES;
    if (at > from && (at - from >= MESSAGES_A_SEND || bytes + next > BYTES_A_SEND)) {
      yield items.slice(from, at);
      from = at;
      bytes = 0;
    }
    bytes += next;
  }
  if (from < items.length) yield items.slice(from);
}
