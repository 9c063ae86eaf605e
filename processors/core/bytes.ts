/** Variable-length integers and short strings in bytes: the alphabet of the stored value. */
import { crc32c } from './checksum';

/** Bytes that are not what a writer wrote. */
export class DamagedBytesError extends Error {
  override readonly name = 'DamagedBytesError';
}

const endsEarly = (): DamagedBytesError => new DamagedBytesError('It ends too early.');

const CHECKSUM_BYTES = 4;
const SLAB_BYTES = 65_536;
let slab = new ArrayBuffer(SLAB_BYTES);
let taken = 0;

/** Small results share an allocation: one of their own each costs more than to write them. */
function cut(length: number): Uint8Array {
  if (length > SLAB_BYTES / 16) return new Uint8Array(length);
  if (taken + length > SLAB_BYTES) {
    slab = new ArrayBuffer(SLAB_BYTES);
    taken = 0;
  }
  const view = new Uint8Array(slab, taken, length);
  taken += length;
  return view;
}

export class ByteWriter {
  private bytes = new Uint8Array(4_096);
  private length = 0;

  reset(): void {
    this.length = 0;
  }

  /** A copy of what was written since the last reset. */
  finish(): Uint8Array {
    const copy = cut(this.length);
    const { bytes } = this;
    for (let at = 0; at < copy.length; at++) copy[at] = bytes[at]!;
    return copy;
  }

  private room(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array((this.bytes.length + count) * 2);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.length++] = value;
  }

  /** An unsigned integer below 2^53, seven bits a byte. */
  unsigned(value: number): void {
    this.room(8);
    const { bytes } = this;
    let at = this.length;
    while (value >= 0x10000000) {
      bytes[at++] = (value % 128) | 128;
      value = Math.floor(value / 128);
    }
    while (value >= 128) {
      bytes[at++] = (value & 127) | 128;
      value >>>= 7;
    }
    bytes[at++] = value;
    this.length = at;
  }

  /** A signed integer, zigzag. */
  signed(value: number): void {
    this.unsigned(value < 0 ? -2 * value - 1 : 2 * value);
  }

  uint32(value: number): void {
    this.room(4);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = value & 255;
    bytes[at++] = (value >>> 8) & 255;
    bytes[at++] = (value >>> 16) & 255;
    bytes[at++] = value >>> 24;
    this.length = at;
  }

  /** CRC-32C of everything before it, as the last four bytes. */
  checksum(): void {
    this.uint32(crc32c(this.bytes, this.length));
  }

  double(value: number): void {
    doubleView[0] = value;
    this.uint32(wordView[0]!);
    this.uint32(wordView[1]!);
  }

  /** UTF-8 with its length in bytes. */
  text(value: string): void {
    if (this.plainText(value)) return;
    const encoded = encodeText(value);
    this.unsigned(encoded.length);
    this.room(encoded.length);
    this.bytes.set(encoded, this.length);
    this.length += encoded.length;
  }

  /** Nearly every text is ASCII: a byte a character, written in place. Writes nothing and answers false otherwise. */
  private plainText(value: string): boolean {
    const before = this.length;
    const { length } = value;
    this.unsigned(length);
    this.room(length);
    const { bytes, length: at } = this;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) {
        this.length = before;
        return false;
      }
      bytes[at + index] = code;
    }
    this.length = at + length;
    return true;
  }
}

export class ByteReader {
  private at = 0;
  private end = 0;
  private bytes: Uint8Array = new Uint8Array(0);

  open(bytes: Uint8Array): this {
    this.bytes = bytes;
    this.end = bytes.length;
    this.at = 0;
    return this;
  }

  get finished(): boolean {
    return this.at === this.end;
  }

  /** What `checksum` wrote is right, and does not belong to what follows. @throws DamagedBytesError */
  checked(): void {
    const end = this.bytes.length - CHECKSUM_BYTES;
    if (end < this.at) throw endsEarly();
    const from = this.at;
    this.at = end;
    const written = this.uint32();
    if (written !== crc32c(this.bytes, end)) throw new DamagedBytesError('Its checksum is wrong.');
    this.at = from;
    this.end = end;
  }

  byte(): number {
    if (this.at >= this.end) throw endsEarly();
    return this.bytes[this.at++]!;
  }

  unsigned(): number {
    let byte = this.byte();
    if (byte < 128) return byte;
    let value = byte & 127;
    let scale = 128;
    for (let count = 0; count < 8; count++) {
      byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw new DamagedBytesError('It holds an integer that is too long.');
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  uint32(): number {
    const { bytes, at } = this;
    if (at + 4 > this.end) throw endsEarly();
    this.at = at + 4;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  double(): number {
    wordView[0] = this.uint32();
    wordView[1] = this.uint32();
    return doubleView[0]!;
  }

  /** The very `expected` where it says that: a text that most values have in common costs no memory. */
  text(expected = ''): string {
    const length = this.unsigned();
    if (this.at + length > this.end) throw new DamagedBytesError('It ends inside a text.');
    const from = this.at;
    this.at += length;
    if (expected.length === length && says(this.bytes, from, expected)) return expected;
    return decodeText(this.bytes, from, this.at);
  }

  /** Number of rows that follow, refused where the rest could not hold them. */
  count(): number {
    const count = this.unsigned();
    if (count > this.end) throw new DamagedBytesError('It claims more rows than it can hold.');
    return count;
  }
}

const doubleView = new Float64Array(1);
const wordView = new Uint32Array(doubleView.buffer);

/** UTF-8 without a platform's encoder: the core has no library, and these texts are short. */
export function encodeText(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else
      bytes.push(
        0xf0 | (code >> 18),
        0x80 | ((code >> 12) & 63),
        0x80 | ((code >> 6) & 63),
        0x80 | (code & 63),
      );
  }
  return Uint8Array.from(bytes);
}

/** Of an ASCII text; any other is never found. */
function says(bytes: Uint8Array, from: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x80 || bytes[from + index] !== code) return false;
  }
  return true;
}

function decodeText(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  let at = from;
  // Eight at once: every step on its own would be a string of its own.
  for (; at + 8 <= to; at += 8) {
    const [a, b, c, d] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!];
    const [e, f, g, h] = [bytes[at + 4]!, bytes[at + 5]!, bytes[at + 6]!, bytes[at + 7]!];
    if ((a | b | c | d | e | f | g | h) >= 0x80) break;
    text += String.fromCharCode(a, b, c, d, e, f, g, h);
  }
  while (at < to) {
    const lead = bytes[at++]!;
    if (lead < 0x80) text += String.fromCharCode(lead);
    else if (lead < 0xe0) text += String.fromCharCode(((lead & 31) << 6) | (bytes[at++]! & 63));
    else if (lead < 0xf0)
      text += String.fromCharCode(((lead & 15) << 12) | ((bytes[at++]! & 63) << 6) | (bytes[at++]! & 63));
    else
      text += String.fromCodePoint(
        ((lead & 7) << 18) | ((bytes[at++]! & 63) << 12) | ((bytes[at++]! & 63) << 6) | (bytes[at++]! & 63),
      );
  }
  return text;
}

/** The longest prefix of at most `limit` UTF-8 bytes that cuts no character. */
export function cutText(text: string, limit: number): string {
  if (text.length * 3 <= limit) return text;
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > limit) break;
    end += character.length;
  }
  return text.slice(0, end);
}
