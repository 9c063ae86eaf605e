/** What a broker refuses this user, in words: only other rights mend it. docs/cluster.md has the table. */
import { INPUT_TOPICS, OUTPUT_TOPICS } from '../../schemas';
import type { InputTopic, OutputTopic } from '../../schemas';
import { topicName } from '../../streams/kafka';
import { CliError } from '../errors';
import type { Settings } from '../settings';

/** Of the protocol's table of errors. */
const REFUSAL = /^(TOPIC|GROUP|TRANSACTIONAL_ID|CLUSTER)_AUTHORIZATION_FAILED$/;

interface Refusal {
  type: string;
  /** Where the request named one alone. */
  topic?: string;
}

/** Of the error or of what caused it; null when it is about something else. */
export function refusalOf(error: unknown): Refusal | null {
  if (!(error instanceof Error)) return null;
  const { type, topic, errors, cause } = error as Error & Partial<Refusal> & { errors?: readonly unknown[] };
  if (type !== undefined && REFUSAL.test(type)) return { type, ...(topic === undefined ? {} : { topic }) };
  return refusalOf(errors?.[0] ?? cause);
}

/** Names the resource and the operations that the table allows on it. */
export function refusedRight({ type, topic }: Refusal, settings: Settings): CliError {
  const application = settings['kafka.application'];
  const prefix = settings['kafka.topicPrefix'];
  const namesOf = (topics: readonly (InputTopic | OutputTopic)[]): string =>
    topics
      .map(one => topicName(prefix, one))
      .filter(name => topic === undefined || name === topic)
      .join(', ');
  const needs = {
    TOPIC: [
      [namesOf(INPUT_TOPICS), 'Read, Write and Describe'],
      [namesOf(OUTPUT_TOPICS), 'Write and Describe'],
    ]
      .flatMap(([names, operations]) => (names === '' ? [] : `${operations} on Topic ${names}`))
      .join('; '),
    GROUP: `Read and Describe on Group ${application}`,
    TRANSACTIONAL_ID: `Write and Describe on TransactionalId ${application}- (prefixed)`,
    CLUSTER: 'IdempotentWrite on Cluster',
  }[REFUSAL.exec(type)![1] as 'TOPIC' | 'GROUP' | 'TRANSACTIONAL_ID' | 'CLUSTER'];
  return new CliError(
    'kafka-refused',
    `Kafka answers ${type}: this user needs ${needs} (docs/cluster.md, "Kafka").`,
  );
}
