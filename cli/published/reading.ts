/** Messages that were published, read for a listing: from a topic of the cluster, or from the log of a state. */
import type { EpochMs, OutputTopic, WireOutputs } from '../../schemas';
import { TopicReader, topicName } from '../../streams/kafka';
import { withKafka } from '../cluster/admin';
import { openCodec } from '../cluster/codec';
import type { Context } from '../context';
import { openForReading, stateDirectory } from '../embedded';
import { usageError } from '../errors';

export interface Published<T extends OutputTopic> {
  /** Newer ones are higher: the record timestamp, or the sequence in the log of a state. */
  order: number;
  /** Null in a state, whose log does not say. */
  publishedAt: EpochMs | null;
  key: string;
  body: WireOutputs[T];
  /** Where the message stands in its own topic; null in a state. */
  place: { partition: number; offset: number } | null;
}

export interface ReadingOptions {
  /** A state is read instead of the cluster. */
  state?: string;
  /** Published at or after; null: all that is retained. */
  since: EpochMs | null;
}

/** Tells `take` of every message; returns how many could not be decoded. @throws CliError */
export async function readPublished<T extends OutputTopic>(
  context: Context,
  topic: T,
  options: ReadingOptions,
  take: (message: Published<T>) => void,
): Promise<number> {
  if (options.state !== undefined) return readState(context, topic, options, take);
  return withKafka(context, async kafka => {
    const name = topicName(context.settings.values['kafka.topicPrefix'], topic);
    const reader = await TopicReader.open(kafka, [name]);
    try {
      return await readTopic(context, reader, topic, options.since, take);
    } finally {
      await reader.close();
    }
  });
}

async function readTopic<T extends OutputTopic>(
  { io, settings }: Context,
  reader: TopicReader,
  topic: T,
  since: EpochMs | null,
  take: (message: Published<T>) => void,
): Promise<number> {
  const codec = await openCodec(settings.values, io.clock, 'reads');
  const name = topicName(settings.values['kafka.topicPrefix'], topic);
  let undecodable = 0;
  for (const stretch of await reader.stretches(name, since))
    for await (const page of reader.read(stretch, io.signal)) {
      await codec.prepare?.(
        topic,
        page.flatMap(({ value }) => value ?? []),
      );
      for (const { offset, partition, timestamp, key, value } of page) {
        if (value === null) continue;
        try {
          const body = codec.decodeOutput(topic, value);
          take({ order: timestamp, publishedAt: timestamp, key, body, place: { partition, offset } });
        } catch {
          undecodable++;
        }
      }
    }
  return undecodable;
}

async function readState<T extends OutputTopic>(
  context: Context,
  topic: T,
  { state: directory, since }: ReadingOptions,
  take: (message: Published<T>) => void,
): Promise<number> {
  if (since !== null) throw usageError('--from needs a cluster: the log of a state has no instants.');
  const state = openForReading(stateDirectory(context, directory));
  try {
    for (const { topic: at, sequence, key, value } of state.outputs()) {
      if (at !== topic || value === null) continue;
      const body = state.codec.decodeOutput(topic, value);
      take({ order: sequence, publishedAt: null, key, body, place: null });
    }
  } finally {
    await state.close();
  }
  return 0;
}
