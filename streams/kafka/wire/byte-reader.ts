/** A cursor over bytes of the Kafka protocol. Everything throws RangeError past the end. */
const TWO_32 = 4_294_967_296;

export class ByteReader {
  constructor(
    readonly buffer: Buffer,
    public at = 0,
    readonly end = buffer.length,
  ) {}

  private forward(count: number): number {
    const from = this.at;
    if (count < 0 || from + count > this.end)
      throw new RangeError(`${count} bytes at ${from} of ${this.end}`);
    this.at = from + count;
    return from;
  }

  skip(count: number): void {
    this.forward(count);
  }

  int8(): number {
    return this.buffer.readInt8(this.forward(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.forward(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.forward(4));
  }

  /** Offsets and instants stay far below 2^53. */
  int64(): number {
    const from = this.forward(8);
    return this.buffer.readInt32BE(from) * TWO_32 + this.buffer.readUInt32BE(from + 4);
  }

  bigInt64(): bigint {
    return this.buffer.readBigInt64BE(this.forward(8));
  }

  text(length: number): string {
    const from = this.forward(length);
    return this.buffer.toString('utf8', from, from + length);
  }

  /** A view, not a copy. */
  bytes(length: number): Buffer {
    const from = this.forward(length);
    return this.buffer.subarray(from, from + length);
  }

  /** Zigzag varint; exact up to 2^53. */
  varint(): number {
    const { buffer, end } = this;
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.at >= end) throw new RangeError(`a varint is cut at ${end}`);
      const byte = buffer[this.at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    throw new RangeError('a varint has more than 10 bytes');
  }
}
