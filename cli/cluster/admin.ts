/** Commands that look after the topics of a cluster: an admin client for as long as they work, errors in our words. */
import type { Admin, Kafka } from 'kafkajs';
import { DAY_MS } from '../../schemas';
import type { TopicSettings } from '../../streams/kafka';
import type { Context } from '../context';
import { CliError } from '../errors';
import type { Settings } from '../settings';
import { openKafka } from './connections';
import { refusalOf, refusedRight } from './kafka-rights';

export const topicSettings = (settings: Settings): TopicSettings => ({
  prefix: settings['kafka.topicPrefix'],
  partitions: settings['kafka.partitions'],
  replication: settings['kafka.replication'],
  rawRetentionMs: settings['kafka.rawRetentionDays'] * DAY_MS,
  timestamps: settings['kafka.timestamps'] as TopicSettings['timestamps'],
  maxMessageBytes: settings['lane.maxMessageBytes'],
});

interface KafkaError extends Error {
  /** Of the protocol's table of errors. */
  type?: string;
  cause?: unknown;
  /** Of several topics at once. */
  errors?: readonly Error[];
}

const isFromKafka = (error: unknown): error is KafkaError =>
  error instanceof Error && error.name.startsWith('KafkaJS');

function innermost(error: KafkaError): KafkaError {
  const next = error.errors?.[0] ?? error.cause;
  return isFromKafka(next) ? innermost(next) : error;
}

/** What the client threw as a `CliError`; anything else as it is. */
export function inKafkaWords(error: unknown, settings: Settings): unknown {
  const refusal = refusalOf(error);
  if (refusal !== null) return refusedRight(refusal, settings);
  if (!isFromKafka(error)) return error;
  const { type, message } = innermost(error);
  const said = message.replace(/\.$/, '');
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION')
    return new CliError('topics-unfit', `A topic is missing: ${said}.`);
  // The client keeps the broker's own error to itself.
  if (message.includes('group coordinator'))
    return new CliError(
      'kafka-refused',
      `${said}: this user may lack Describe on the group (docs/cluster.md, "Kafka"), or the brokers have just been started.`,
    );
  if (type !== undefined) return new CliError('kafka-refused', `Kafka answers ${type}: ${said}.`);
  return new CliError('kafka-unreachable', `Kafka at ${settings['kafka.brokers'].join(', ')}: ${said}.`);
}

/** @throws CliError kafka-unreachable, kafka-refused, topics-unfit */
export async function withKafka<T>(context: Context, work: (kafka: Kafka) => Promise<T>): Promise<T> {
  const { values } = context.settings;
  const kafka = openKafka(values, (level, message) => context.reporter.detail(`kafka ${level}: ${message}`));
  try {
    return await work(kafka);
  } catch (error) {
    throw inKafkaWords(error, values);
  }
}

/** @throws as `withKafka` */
export const withAdmin = <T>(
  context: Context,
  work: (admin: Admin, kafka: Kafka) => Promise<T>,
): Promise<T> =>
  withKafka(context, async kafka => {
    const admin = kafka.admin();
    await admin.connect();
    try {
      return await work(admin, kafka);
    } finally {
      await admin.disconnect();
    }
  });
