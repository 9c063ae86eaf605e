/**
 * Decompression with a limit: kafkajs inflates without one, and 292 KB of gzip become 300 MB. A producer chooses the
 * codec, so all four are read; our own producers write gzip, snappy, lz4 or nothing.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { Decompress as ZstdStream } from 'fzstd';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { compress as snappyCompress, uncompress as snappyUncompress } from 'snappy';
import { demandOf } from './zstd-frames';

interface Codec {
  compress: (encoder: { buffer: Buffer }) => Promise<Buffer>;
  decompress: (bytes: Buffer) => Promise<Buffer>;
}

/** A batch that grows beyond this is refused: brokers take batches of about a megabyte. */
export const MAX_INFLATED_BYTES = 64 * 1024 * 1024;

/** Refused by its size: the batch can't be read, by anyone, without harm. */
export class InflatedTooLargeError extends Error {
  override readonly name = 'InflatedTooLargeError';
  constructor(codec: string) {
    super(`A ${codec} batch inflates to more than ${MAX_INFLATED_BYTES} bytes.`);
  }
}

const gzipAsync = promisify<Buffer, Buffer>(gzip);
const gunzipAsync = promisify(
  (bytes: Buffer, done: (error: Error | null, out: Buffer) => void) =>
    void gunzip(bytes, { maxOutputLength: MAX_INFLATED_BYTES }, done),
);

const gzipCodec: Codec = {
  compress: ({ buffer }) => gzipAsync(buffer),
  decompress: async bytes => {
    try {
      return await gunzipAsync(bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
        throw new InflatedTooLargeError('gzip');
      throw error;
    }
  },
};

/** Java's snappy stream: this header, two versions, then blocks of (length, bytes). Other clients write a bare block. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/** Length of what a bare snappy block holds: a varint at its start. */
function snappyLength(block: Buffer): number {
  let length = 0;
  for (let at = 0; at < 5; at++) {
    const byte = block[at] ?? 0;
    length += (byte & 127) * 2 ** (7 * at);
    if (byte < 128) return length;
  }
  return Infinity;
}

function* snappyBlocks(bytes: Buffer): Generator<Buffer> {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
    yield bytes;
    return;
  }
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    yield bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
}

const snappyCodec: Codec = {
  compress: ({ buffer }) => snappyCompress(buffer),
  decompress: async bytes => {
    const inflated: Buffer[] = [];
    let total = 0;
    for (const block of snappyBlocks(bytes)) {
      total += snappyLength(block);
      if (total > MAX_INFLATED_BYTES) throw new InflatedTooLargeError('snappy');
      inflated.push((await snappyUncompress(block, { asBuffer: true })) as Buffer);
    }
    return inflated.length === 1 ? inflated[0]! : Buffer.concat(inflated);
  },
};

const LZ4_MAGIC = 0x184d2204;
/** Block sizes by their number in the frame descriptor, 4 to 7. */
const LZ4_BLOCK_BYTES = [65_536, 262_144, 1_048_576, 4_194_304];

/**
 * Upper bound of what the frame holds: its blocks, each as large as the descriptor allows. The decoder would also take
 * frames of the time before descriptors, which nothing bounds; Kafka knows only these.
 */
function lz4Bound(bytes: Buffer): number {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== LZ4_MAGIC) throw new Error('This is no lz4 frame.');
  const flags = bytes[4]!;
  const blockBytes = LZ4_BLOCK_BYTES[((bytes[5]! >> 4) & 7) - 4] ?? Infinity;
  let at = 7 + (flags & 8 ? 8 : 0) + (flags & 1 ? 4 : 0);
  let bound = 0;
  while (at + 4 <= bytes.length) {
    const word = bytes.readUInt32LE(at);
    if (word === 0) break;
    bound += blockBytes;
    at += 4 + (word & 0x7fffffff) + (flags & 16 ? 4 : 0);
  }
  return bound;
}

const lz4Codec: Codec = {
  compress: ({ buffer }) => compressFrame(buffer),
  decompress: async bytes => {
    if (lz4Bound(bytes) > MAX_INFLATED_BYTES) throw new InflatedTooLargeError('lz4');
    return decompressFrame(bytes);
  },
};

/** Copying windows about for longer than some seconds is harm too: ordinary batches need a hundredth of it. */
const MAX_MOVED_BYTES = 128 * MAX_INFLATED_BYTES;

/** Only read: there is no encoder that installs everywhere without a compiler. */
const zstdCodec: Codec = {
  compress: () =>
    Promise.reject(new Error('zstd is only read here: set the compression to gzip, snappy or lz4.')),
  decompress: bytes =>
    new Promise((resolve, reject) => {
      const inflated: Uint8Array[] = [];
      let total = 0;
      const { window, moved } = demandOf(bytes);
      if (window > MAX_INFLATED_BYTES || moved > MAX_MOVED_BYTES) throw new InflatedTooLargeError('zstd');
      const stream = new ZstdStream(chunk => {
        total += chunk.length;
        if (total > MAX_INFLATED_BYTES) throw new InflatedTooLargeError('zstd');
        inflated.push(chunk);
      });
      try {
        // In pieces: a limit is only worth something when it is looked at on the way.
        for (let at = 0; at < bytes.length; at += 65_536)
          stream.push(bytes.subarray(at, at + 65_536), at + 65_536 >= bytes.length);
        resolve(Buffer.concat(inflated));
      } catch (error) {
        reject(error as Error);
      }
    }),
};

/** By their number in the protocol. */
export const CODECS: Readonly<Record<number, Codec>> = {
  [CompressionTypes.GZIP]: gzipCodec,
  [CompressionTypes.Snappy]: snappyCodec,
  [CompressionTypes.LZ4]: lz4Codec,
  [CompressionTypes.ZSTD]: zstdCodec,
};

/** The records of a compressed batch. @throws InflatedTooLargeError, errors of the codecs for broken bytes */
export function inflate(compression: number, bytes: Buffer): Promise<Buffer> {
  const codec = CODECS[compression];
  if (codec === undefined) return Promise.reject(new Error(`Compression ${compression} is unknown.`));
  return codec.decompress(bytes);
}

/** kafkajs keeps one table for all clients of a process. */
export function registerCodecs(): void {
  const table = CompressionCodecs as Record<number, () => Codec>;
  for (const [type, codec] of Object.entries(CODECS)) table[Number(type)] = () => codec;
}
