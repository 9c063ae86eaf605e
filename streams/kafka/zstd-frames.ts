/**
 * What zstd frames ask of whoever inflates them (RFC 8878, 3.1): the decoder takes memory for the window that a frame
 * claims, and moves that much again for every block. A header of ten bytes may claim two gigabytes.
 */
const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const RLE_BLOCK = 1;

export interface ZstdDemand {
  /** Largest window of a frame, bytes. */
  window: number;
  /** A window for each frame and one for each of its blocks, bytes. */
  moved: number;
}

/** @throws RangeError where the bytes end too early or are no frames */
export function demandOf(bytes: Buffer): ZstdDemand {
  const demand = { window: 0, moved: 0 };
  for (let at = 0; at < bytes.length;) {
    const magic = bytes.readUInt32LE(at);
    if ((magic & 0xfffffff0) === SKIPPABLE_MAGIC) at += 8 + bytes.readUInt32LE(at + 4);
    else if (magic === FRAME_MAGIC) at = passFrame(bytes, at, demand);
    else throw new RangeError(`No zstd frame begins at byte ${at}.`);
  }
  return demand;
}

/** Returns where the next frame begins. */
function passFrame(bytes: Buffer, from: number, demand: ZstdDemand): number {
  const { window, bodyAt, checksumBytes } = readHeader(bytes, from);
  demand.window = Math.max(demand.window, window);
  demand.moved += window;
  for (let at = bodyAt; ;) {
    const head = bytes.readUIntLE(at, 3);
    const isLast = (head & 1) !== 0;
    const kind = (head >> 1) & 3;
    at += 3 + (kind === RLE_BLOCK ? 1 : head >> 3);
    demand.moved += window;
    if (isLast) return at + checksumBytes;
  }
}

function readHeader(bytes: Buffer, from: number): { window: number; bodyAt: number; checksumBytes: number } {
  const flags = bytes.readUInt8(from + 4);
  const isSingleSegment = (flags & 0x20) !== 0;
  const sizeFlag = flags >> 6;
  const sizeAt = from + (isSingleSegment ? 5 : 6) + DICTIONARY_ID_BYTES[flags & 3]!;
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : CONTENT_SIZE_BYTES[sizeFlag]!;
  const window = isSingleSegment
    ? contentSize(bytes, sizeAt, sizeBytes)
    : describedWindow(bytes.readUInt8(from + 5));
  return { window, bodyAt: sizeAt + sizeBytes, checksumBytes: flags & 4 ? 4 : 0 };
}

function contentSize(bytes: Buffer, at: number, size: number): number {
  if (size === 8) return Number(bytes.readBigUInt64LE(at));
  return bytes.readUIntLE(at, size) + (size === 2 ? 256 : 0);
}

function describedWindow(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}
