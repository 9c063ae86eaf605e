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
