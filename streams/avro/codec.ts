/** WireCodec in Avro with the Confluent framing: magic byte 0, schema id (4 bytes, big endian), body. */
import { Type } from 'avsc';
import type { EngagementScore, InputTopic, OutputTopic, WireInputs, WireOutputs } from '../../schemas';
import { INPUT_TOPICS, OUTPUT_TOPICS } from '../../schemas';
import { DecodeError } from '../../processors/ports';
import type { WireCodec } from '../../processors/ports';
import { boundsCheck } from './bounds';
import { BUILT_IN_IDS, loadSchema } from './schemas';
import type { AnyTopic, AvroSchema } from './schemas';

const FRAME_BYTES = 5;
/** A record above this is refused before anything of it is read. */
export const MAX_RECORD_BYTES = 1_048_576;

interface TopicCodec {
  id: number;
  type: Type;
  check: (bytes: Uint8Array, at: number) => void;
}

function topicCodec(topic: AnyTopic): TopicCodec {
  const schema: AvroSchema = loadSchema(topic);
  return {
    id: BUILT_IN_IDS[topic],
    type: Type.forSchema(schema as never, { wrapUnions: false }),
    check: boundsCheck(schema),
  };
}

const fault = (code: string, reason: string): DecodeError => new DecodeError(code, reason);

function checkFrame(codec: TopicCodec, topic: AnyTopic, value: Uint8Array): void {
  if (value.length > MAX_RECORD_BYTES)
    throw fault(
      'record-too-large',
      `The record has ${value.length} bytes; at most ${MAX_RECORD_BYTES} are allowed.`,
    );
  if (value.length < FRAME_BYTES || value[0] !== 0)
    throw fault(
      'avro-magic',
      'The record does not begin with the magic byte 0 and a schema id. Send Avro in the Confluent format.',
    );
  const id = ((value[1]! << 24) | (value[2]! << 16) | (value[3]! << 8) | value[4]!) >>> 0;
  if (id !== codec.id)
    throw fault(
      'avro-schema-id',
      `The record names schema id ${id}, which is not allowed on ${topic}. Allowed: ${codec.id}.`,
    );
}

/** Body decoder with its own scratch buffer for encoding; not shared between threads. */
class AvroWireCodec implements WireCodec {
  private readonly codecs = new Map<AnyTopic, TopicCodec>();
  private scratch = Buffer.allocUnsafe(16_384);

  constructor() {
    for (const topic of [...INPUT_TOPICS, ...OUTPUT_TOPICS]) this.codecs.set(topic, topicCodec(topic));
  }

  decode<T extends InputTopic>(topic: T, value: Uint8Array): WireInputs[T] {
    return this.read(topic, value) as WireInputs[T];
  }

  encodeInput<T extends InputTopic>(topic: T, value: WireInputs[T]): Uint8Array {
    return this.write(
      topic,
      topic === 'customer-mail' ? mailToAvro(value as WireInputs['customer-mail']) : value,
    );
  }

  encode<T extends OutputTopic>(topic: T, value: WireOutputs[T]): Uint8Array {
    if (topic === 'engagement-scores') return this.write(topic, scoreToAvro(value as EngagementScore));
    if (topic === 'dead-letters')
      return this.write(topic, deadLetterToAvro(value as WireOutputs['dead-letters']));
    return this.write(topic, value);
  }

  decodeOutput<T extends OutputTopic>(topic: T, value: Uint8Array): WireOutputs[T] {
    const decoded = this.read(topic, value);
    return (topic === 'engagement-scores' ? scoreFromAvro(decoded as AvroScore) : decoded) as WireOutputs[T];
  }

  private codec(topic: AnyTopic): TopicCodec {
    return this.codecs.get(topic)!;
  }

  private read(topic: AnyTopic, value: Uint8Array): unknown {
    const codec = this.codec(topic);
    checkFrame(codec, topic, value);
    codec.check(value, FRAME_BYTES);
    try {
      return codec.type.decode(Buffer.from(value.buffer, value.byteOffset, value.byteLength), FRAME_BYTES)
        .value;
    } catch (error) {
      throw fault('avro-malformed', `The record does not follow its schema: ${(error as Error).message}.`);
    }
  }

  private write(topic: AnyTopic, value: unknown): Uint8Array {
    const { type, id } = this.codec(topic);
    let end = type.encode(value, this.scratch, FRAME_BYTES);
    if (end < 0) {
      // A negative answer is the number of bytes that were missing.
      this.scratch = Buffer.allocUnsafe((this.scratch.length - end) * 2);
      end = type.encode(value, this.scratch, FRAME_BYTES);
    }
    const bytes = new Uint8Array(end);
    bytes.set(this.scratch.subarray(0, end));
    bytes[0] = 0;
    bytes[1] = id >>> 24;
    bytes[2] = (id >>> 16) & 255;
    bytes[3] = (id >>> 8) & 255;
    bytes[4] = id & 255;
    return bytes;
  }
}

/** Avro names have no hyphen, so positions are spelled in camel case on the wire. */
interface AvroScore extends Omit<EngagementScore, 'position'> {
  position: {
    partition: number;
    webEvents: number;
    orders: number;
    customers: number;
    customerCommands: number;
    customerMail: number;
  };
}

function scoreToAvro(score: EngagementScore): AvroScore {
  const { position } = score;
  return {
    ...score,
    position: {
      partition: position.partition,
      webEvents: position['web-events'],
      orders: position.orders,
      customers: position.customers,
      customerCommands: position['customer-commands'],
      customerMail: position['customer-mail'],
    },
  };
}

function scoreFromAvro({ position, ...score }: AvroScore): EngagementScore {
  return {
    ...score,
    position: {
      partition: position.partition,
      'web-events': position.webEvents,
      orders: position.orders,
      customers: position.customers,
      'customer-commands': position.customerCommands,
      'customer-mail': position.customerMail,
    },
  };
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const mailToAvro = (mail: WireInputs['customer-mail']): unknown =>
  mail.forwarded === null
    ? mail
    : { ...mail, forwarded: { ...mail.forwarded, value: asBuffer(mail.forwarded.value) } };

const deadLetterToAvro = (letter: WireOutputs['dead-letters']): unknown => ({
  ...letter,
  bytes: asBuffer(letter.bytes),
});

export const createAvroCodec = (): WireCodec => new AvroWireCodec();
