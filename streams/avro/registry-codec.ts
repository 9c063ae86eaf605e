/**
 * WireCodec with the schema ids of a registry.
 *
 * 1. Our own ids are asked for once, at open: what we write carries them.
 * 2. `prepare` looks at the ids of a page before it is decoded; each new one is asked once, all the rest is in memory.
 *    From then on decoding is synchronous, and an outage of the registry does not matter.
 * 3. An id is taken only when it is registered under the topic's own subject: nobody's schema gets in by its number.
 * 4. A refusal is remembered for a minute: ten thousand records with a wrong id are one question.
 * 5. A registry that does not answer is no fault of a record: `prepare` rejects, nothing is remembered, and records
 *    whose ids are known can be read meanwhile.
 * 6. Others' schemas are resolved to our own types; one that can't be is the record's fault (a dead letter).
 */
import type { Clock } from '../../processors/ports';
import { DecodeError } from '../../processors/ports';
import type { InputTopic, OutputTopic, WireInputs } from '../../schemas';
import { ALL_TOPICS, AvroWireCodec, ownReader } from './codec';
import type { BodyReader, TopicSchemas } from './codec';
import { peekSchemaId, schemaIdRefused } from './frame';
import { RegistryClient, RegistryError } from './registry-client';
import type { RegistryAddress } from './registry-client';
import { schemaText } from './schemas';
import type { AnyTopic } from './schemas';
import { readerFor } from './writer-schema';

export interface RegistryCodecOptions extends RegistryAddress {
  topicPrefix: string;
  clock: Clock;
  /** false: only reads, so our own schemas need not be registered. */
  writes?: boolean;
}

/** How long a refused id stays refused, ms. */
const REFUSED_FOR_MS = 60_000;
/** How long a page waits for its ids, ms. */
const PREPARE_MS = 5_000;
/** After a question without an answer the next one waits this long, ms: lanes must not spend their time waiting. */
const SILENT_FOR_MS = 15_000;
const AT_ONCE = 8;
/** Above this many, refusals that have expired are forgotten. */
const MANY_REFUSALS = 10_000;

export const subjectOf = (topicPrefix: string, topic: AnyTopic): string => `${topicPrefix}${topic}-value`;

class RegistryTopic implements TopicSchemas {
  readonly readers = new Map<number, BodyReader>();
  readonly refusals = new Map<number, { error: DecodeError; until: number }>();
  readonly asking = new Map<number, Promise<void>>();
  readonly own: BodyReader;
  private writtenAs: number | null = null;

  constructor(
    readonly topic: AnyTopic,
    readonly subject: string,
  ) {
    this.own = ownReader(topic);
  }

  get type(): BodyReader['type'] {
    return this.own.type;
  }

  ownId(): number {
    if (this.writtenAs === null)
      throw new Error(`The codec was opened for reading, but something of ${this.topic} is to be written.`);
    return this.writtenAs;
  }

  writeAs(id: number): void {
    this.writtenAs = id;
    this.readers.set(id, this.own);
  }

  readerOf(id: number): BodyReader {
    const reader = this.readers.get(id);
    if (reader !== undefined) return reader;
    throw this.refusals.get(id)?.error ?? new Error(`The schema id ${id} of ${this.topic} was not prepared.`);
  }

  /** Ids of these records that the registry has to be asked for. */
  unknownIn(values: Iterable<Uint8Array>, now: number): Set<number> {
    const unknown = new Set<number>();
    let last = -1;
    for (const value of values) {
      const id = peekSchemaId(value);
      if (id === last || id === -1) continue;
      last = id;
      if (!this.readers.has(id) && (this.refusals.get(id)?.until ?? -Infinity) <= now) unknown.add(id);
    }
    return unknown;
  }

  refuse(id: number, error: DecodeError, now: number): void {
    if (this.refusals.size >= MANY_REFUSALS)
      for (const [old, { until }] of this.refusals) if (until <= now) this.refusals.delete(old);
    this.refusals.set(id, { error, until: now + REFUSED_FOR_MS });
  }
}

class RegistryCodec extends AvroWireCodec {
  private silentUntil = -Infinity;

  constructor(
    private readonly topics: ReadonlyMap<AnyTopic, RegistryTopic>,
    private readonly client: RegistryClient,
    private readonly clock: Clock,
  ) {
    super(topics);
  }

  /**
   * Makes these records decodable; those that never will be are refused by `decode`.
   * @throws RegistryError when the registry does not answer: try again later
   */
  async prepare(topic: InputTopic | OutputTopic, values: Iterable<Uint8Array>): Promise<void> {
    const page = topic === 'customer-mail' ? [...values] : values;
    await this.resolve(topic, page);
    if (topic === 'customer-mail') await this.prepareForwarded(page);
  }

  /** Mail can hold an input of another topic, whose id is that topic's. */
  private async prepareForwarded(page: Iterable<Uint8Array>): Promise<void> {
    const byTopic = new Map<InputTopic, Uint8Array[]>();
    for (const value of page) {
      const forwarded = this.forwardedIn(value);
      if (forwarded !== null)
        byTopic.set(forwarded.topic, [...(byTopic.get(forwarded.topic) ?? []), forwarded.value]);
    }
    for (const [topic, values] of byTopic) if (this.topics.has(topic)) await this.resolve(topic, values);
  }

  private forwardedIn(value: Uint8Array): WireInputs['customer-mail']['forwarded'] {
    try {
      return this.decode('customer-mail', value).forwarded;
    } catch {
      // It will be refused when it is read.
      return null;
    }
  }

  private async resolve(topic: AnyTopic, values: Iterable<Uint8Array>): Promise<void> {
    const schemas = this.topics.get(topic)!;
    const now = this.clock.now();
    const unknown = schemas.unknownIn(values, now);
    if (unknown.size === 0) return;
    if (now < this.silentUntil) throw this.late('it did not answer just now, and is not asked again yet');
    const [gaveUp, done] = [new AbortController(), new AbortController()];
    const deadline = this.clock.sleep(PREPARE_MS, done.signal).then(() => {
      if (done.signal.aborted) return;
      gaveUp.abort();
      throw this.late(`the schema ids of ${topic} took longer than ${PREPARE_MS / 1_000} s`);
    });
    try {
      await Promise.race([this.askAll(schemas, [...unknown], gaveUp.signal), deadline]);
    } catch (error) {
      if (error instanceof RegistryError && error.timedOut)
        this.silentUntil = this.clock.now() + SILENT_FOR_MS;
      throw error;
    } finally {
      deadline.catch(() => undefined);
      done.abort();
    }
  }

  private late(why: string): RegistryError {
    return new RegistryError(
      'registry-unreachable',
      `The registry at ${this.client.shownUrl}: ${why}.`,
      true,
    );
  }

  private async askAll(schemas: RegistryTopic, ids: readonly number[], gaveUp: AbortSignal): Promise<void> {
    for (let at = 0; at < ids.length && !gaveUp.aborted; at += AT_ONCE)
      await Promise.all(ids.slice(at, at + AT_ONCE).map(id => this.askOnce(schemas, id)));
  }

  /** Lanes that meet the same id at the same time share one question. */
  private askOnce(schemas: RegistryTopic, id: number): Promise<void> {
    const asked = schemas.asking.get(id);
    if (asked !== undefined) return asked;
    const asking = this.ask(schemas, id).finally(() => schemas.asking.delete(id));
    schemas.asking.set(id, asking);
    return asking;
  }

  private async ask(schemas: RegistryTopic, id: number): Promise<void> {
    const answer = await this.learn(schemas, id);
    if (answer instanceof DecodeError) schemas.refuse(id, answer, this.clock.now());
    else schemas.readers.set(id, answer);
  }

  private async learn(schemas: RegistryTopic, id: number): Promise<BodyReader | DecodeError> {
    const { topic, subject, own } = schemas;
    const subjects = await this.client.subjectsOf(id);
    const found = subjects?.includes(subject) === true ? await this.client.schemaOf(id) : null;
    if (subjects === null || (subjects.includes(subject) && found === null))
      return schemaIdRefused(
        topic,
        id,
        `The registry does not know it: register the producer's schema under ${subject}.`,
      );
    if (found === null)
      return schemaIdRefused(
        topic,
        id,
        `It is not registered under ${subject}: send the record to its own topic, or register its schema there.`,
      );
    if ((found.schemaType ?? 'AVRO') !== 'AVRO' || (found.references?.length ?? 0) > 0)
      return unusable(schemas, id, 'it is not one whole Avro schema');
    try {
      return readerFor(own, found.schema);
    } catch (error) {
      return unusable(schemas, id, (error as Error).message);
    }
  }
}

const unusable = ({ topic, subject, own }: RegistryTopic, id: number, why: string): DecodeError =>
  new DecodeError(
    'avro-schema-unusable',
    `The writer's schema ${id} of ${subject} can't be read as ${own.type.name ?? topic} of this release: ${why.slice(0, 300)}. Register a schema that is compatible, and produce with that.`,
  );

/** @throws RegistryError registry-unreachable, registry-refused, schemas-unregistered */
export async function openRegistryCodec(options: RegistryCodecOptions): Promise<RegistryCodec> {
  const { topicPrefix, clock, writes = true } = options;
  const client = new RegistryClient(options, clock);
  const topics = new Map(
    ALL_TOPICS.map(topic => [topic, new RegistryTopic(topic, subjectOf(topicPrefix, topic))]),
  );
  if (writes) await learnOwnIds(client, [...topics.values()]);
  return new RegistryCodec(topics, client, clock);
}

async function learnOwnIds(client: RegistryClient, topics: readonly RegistryTopic[]): Promise<void> {
  const missing: string[] = [];
  const learn = async (schemas: RegistryTopic): Promise<void> => {
    const found = await client.lookUp(schemas.subject, schemaText(schemas.topic));
    if (found === null) missing.push(schemas.subject);
    else schemas.writeAs(found.id);
  };
  await Promise.all(topics.map(learn));
  if (missing.length > 0)
    throw new RegistryError(
      'schemas-unregistered',
      `The registry at ${client.shownUrl} does not have the schemas of this release: ${missing.sort().join(', ')}.`,
    );
}
