/**
 * The fault-free replay that a simulation is compared with: one thread, no batches, no store; every record of the
 * log in the order of its timestamp through the pure core.
 */
import type { CustomerId, EpochMs, InputTopic } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import type { MemoryBroker } from '../../streams/memory';
import { partitionOf } from '../../streams/partitioner';
import { DEFAULT_RULES, DEFAULT_SETTINGS, fold, newCustomer, readInput } from '../core';
import type { Customer, CustomerInput, Effect, Outcome } from '../core';
import { DecodeError } from '../ports';
import type { LogRecord, WireCodec } from '../ports';
import { ExpectedOutcomes } from './outcomes';
import type { Cause } from './outcomes';

export interface Reference {
  customers: Map<CustomerId, Customer>;
  /** Newest record timestamps, by partition. */
  clocks: Record<InputTopic, EpochMs>[];
  erasedAt: Map<CustomerId, EpochMs>;
  outcomes: ExpectedOutcomes;
}

/** Data of one instant before commands of the same. */
const RANK: Readonly<Record<InputTopic, number>> = {
  'web-events': 0,
  orders: 1,
  customers: 2,
  'customer-mail': 3,
  'customer-commands': 4,
};

export function replayWithoutFaults(broker: MemoryBroker, codec: WireCodec): Reference {
  const reference: Reference = {
    customers: new Map(),
    clocks: [],
    erasedAt: new Map(),
    outcomes: new ExpectedOutcomes(),
  };
  for (let partition = 0; partition < broker.partitions; partition++)
    reference.clocks.push(Object.fromEntries(INPUT_TOPICS.map(topic => [topic, 0])) as never);
  for (const record of recordsInOrder(broker)) apply(record, reference, broker, codec);
  return reference;
}

function recordsInOrder(broker: MemoryBroker): LogRecord[] {
  const records: LogRecord[] = [];
  for (const topic of INPUT_TOPICS)
    if (topic !== 'customer-mail')
      for (let partition = 0; partition < broker.partitions; partition++)
        for (const record of broker.read(topic, partition, broker.startOf(topic, partition), Infinity)
          .records)
          records.push(record);
  return records.sort(
    (a, b) => a.recordAt - b.recordAt || RANK[a.topic] - RANK[b.topic] || a.offset - b.offset,
  );
}

/** Where a record stands. */
export const placeOf = ({
  topic,
  partition,
  offset,
}: Pick<LogRecord, 'topic' | 'partition' | 'offset'>): Cause => `${topic}/${partition}/${offset}`;

function apply(record: LogRecord, reference: Reference, broker: MemoryBroker, codec: WireCodec): void {
  // What is refused or passed on moves its topic's clock all the same.
  noteClock(record.topic, record.recordAt, reference.clocks[record.partition]!);
  const { outcomes, erasedAt } = reference;
  const cause = placeOf(record);
  const reading = read(record, broker, codec);
  if (!reading.ok) return outcomes.reject(cause, reading.code);
  const { input } = reading;
  // Ticks change no facts.
  if (input.kind === 'tick') return void outcomes.counts.applied++;
  if (input.kind === 'erase') erasedAt.set(input.customerId, input.recordAt);
  const outcome = foldInto(input, cause, reference, broker);
  if (input.mailedFrom === null) outcomes.counts[outcome]++;
  else {
    outcomes.counts.passedOn++;
    outcomes.mailed.set(cause, null);
  }
}

function noteClock(topic: InputTopic, at: EpochMs, clocks: Record<InputTopic, EpochMs>): void {
  if (at > clocks[topic]) clocks[topic] = at;
}

type Reading = { ok: true; input: CustomerInput } | { ok: false; code: string };

function read(record: LogRecord, broker: MemoryBroker, codec: WireCodec): Reading {
  const { topic, partition, offset, recordAt, value, fault } = record;
  if (fault !== undefined) return { ok: false, code: fault.code };
  try {
    const source = { topic, partition, offset, index: 0 };
    const reading = readInput(
      topic,
      codec.decode(topic, value),
      { recordAt, source, mailedFrom: null },
      DEFAULT_RULES,
    );
    if (!reading.ok) return reading;
    const { input } = reading;
    const home = partitionOf(input.customerId, broker.partitions);
    if (home === partition) return reading;
    const mailedFrom = { topic, partition, offset, index: 0, recordAt };
    const elsewhere = { ...source, topic: 'customer-mail', partition: home } as const;
    return { ok: true, input: { ...input, mailedFrom, source: elsewhere } };
  } catch (error) {
    return { ok: false, code: error instanceof DecodeError ? error.code : 'undecodable' };
  }
}

function foldInto(
  input: CustomerInput,
  cause: Cause,
  reference: Reference,
  broker: MemoryBroker,
): Outcome['kind'] {
  const { customerId, source, recordAt } = input;
  const clocks = reference.clocks[partitionOf(customerId, broker.partitions)]!;
  noteClock(source.topic, recordAt, clocks);
  let customer = reference.customers.get(customerId);
  if (customer === undefined) reference.customers.set(customerId, (customer = newCustomer(customerId)));
  const effects: Effect[] = [];
  const { kind } = fold(customer, input, clocks, DEFAULT_SETTINGS, effects);
  reference.outcomes.fold(cause, input, kind);
  const mails = effects.filter(effect => effect.kind === 'mail');
  mails.forEach((mail, index) => deliver(mail, input, `${cause}>${index}`, reference, broker));
  return kind;
}

function deliver(
  { to, name, eventAt, ratingHundredths }: Extract<Effect, { kind: 'mail' }>,
  { customerId, source, recordAt }: CustomerInput,
  cause: Cause,
  reference: Reference,
  broker: MemoryBroker,
): void {
  reference.outcomes.mailed.set(cause, customerId);
  const partition = partitionOf(to, broker.partitions);
  const mailedFrom = { ...source, recordAt };
  foldInto(
    {
      kind: 'received',
      customerId: to,
      recordAt,
      source: { topic: 'customer-mail', partition, offset: 0, index: 0 },
      mailedFrom,
      name,
      eventAt,
      ratingHundredths,
    },
    cause,
    reference,
    broker,
  );
}
