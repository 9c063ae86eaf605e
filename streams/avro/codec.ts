/**
 * WireCodec in Avro. Which schema ids a topic knows is told by its `TopicSchemas`: the built-in ids here, those of a
 * registry in registry-codec.ts.
 */
import { Type } from 'avsc';
import type { EngagementScore, InputTopic, OutputTopic, WireInputs, WireOutputs } from '../../schemas';
import { INPUT_TOPICS, OUTPUT_TOPICS } from '../../schemas';
import { DecodeError } from '../../processors/ports';
import type { WireCodec } from '../../processors/ports';
import { boundsCheck } from './bounds';
import { FRAME_BYTES, schemaIdOf, schemaIdRefused, writeFrame } from './frame';
import { BUILT_IN_IDS, EARLIER_IDS, earlierText, loadSchema } from './schemas';
import type { AnyTopic } from './schemas';
import { readerFor } from './writer-schema';

export const ALL_TOPICS: readonly AnyTopic[] = [...INPUT_TOPICS, ...OUTPUT_TOPICS];

/** How bodies of one writer's schema become values of ours. */
export interface BodyReader {
  /** Our own type. */
  type: Type;
  /** Throws DecodeError unless the body from `at` on fits the writer's schema exactly. */
  check: (bytes: Uint8Array, at: number) => void;
  /** From the writer's type to ours; absent where they are the same. */
  resolver?: ReturnType<Type['createResolver']>;
}

/** The schemas of a topic, by id. */
export interface TopicSchemas {
  readonly type: Type;
  /** Id of our own schema. @throws where none is known */
  ownId(): number;
  /** @throws DecodeError for an id that the topic does not allow */
  readerOf(id: number): BodyReader;
}

/** Reads what we write ourselves. */
export function ownReader(topic: AnyTopic): BodyReader {
  const schema = loadSchema(topic);
  return { type: Type.forSchema(schema as never, { wrapUnions: false }), check: boundsCheck(schema) };
}

function builtIn(topic: AnyTopic): TopicSchemas {
  const reader = ownReader(topic);
  const ownId = BUILT_IN_IDS[topic];
  const earlier = new Map<number, BodyReader>();
  const readerOfEarlier = (id: number): BodyReader => {
    const version = EARLIER_IDS[topic]?.get(id);
    if (version === undefined) throw schemaIdRefused(topic, id, `Allowed: ${ownId}.`);
    const made = readerFor(reader, earlierText(topic, version));
    earlier.set(id, made);
    return made;
  };
  return {
    type: reader.type,
    ownId: () => ownId,
    readerOf: id => (id === ownId ? reader : (earlier.get(id) ?? readerOfEarlier(id))),
  };
}

/** Has its own scratch buffer for encoding; not shared between threads. */
export class AvroWireCodec implements WireCodec {
  private scratch = Buffer.allocUnsafe(16_384);

  constructor(private readonly schemas: ReadonlyMap<AnyTopic, TopicSchemas>) {}

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

  private read(topic: AnyTopic, value: Uint8Array): unknown {
    const { type, check, resolver } = this.schemas.get(topic)!.readerOf(schemaIdOf(value));
    check(value, FRAME_BYTES);
    try {
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      return type.decode(bytes, FRAME_BYTES, resolver).value;
    } catch (error) {
      throw new DecodeError(
        'avro-malformed',
        `The record does not follow its schema: ${(error as Error).message}.`,
      );
    }
  }

  private write(topic: AnyTopic, value: unknown): Uint8Array {
    const schemas = this.schemas.get(topic)!;
    const { type } = schemas;
    let end = type.encode(value, this.scratch, FRAME_BYTES);
    if (end < 0) {
      // A negative answer is the number of bytes that were missing.
      this.scratch = Buffer.allocUnsafe((this.scratch.length - end) * 2);
      end = type.encode(value, this.scratch, FRAME_BYTES);
    }
    // Of Node's pool: an allocation of its own costs more than the encoding.
    const bytes = Buffer.allocUnsafe(end);
    this.scratch.copy(bytes, 0, 0, end);
    writeFrame(bytes, schemas.ownId());
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

/** With the built-in ids: where there is no registry. */
export const createAvroCodec = (): WireCodec =>
  new AvroWireCodec(new Map(ALL_TOPICS.map(topic => [topic, builtIn(topic)])));
