/**
 * The fault-free replay that a simulation is compared with: one thread, no batches, no store; every record of the
 * log in the order of its timestamp through the pure core.
 */
import type { CustomerId, EpochMs, InputTopic } from '../../schemas';
import { INPUT_TOPICS } from '../../schemas';
import type { MemoryBroker } from '../../streams/memory';
import { partitionOf } from '../../streams/partitioner';
import { DEFAULT_RULES, DEFAULT_SETTINGS, fold, newCustomer, readInput } from '../core';
import type { Customer, CustomerInput, Effect } from '../core';
import type { LogRecord, WireCodec } from '../ports';

export interface Reference {
  customers: Map<CustomerId, Customer>;
  /** Newest record timestamps, by partition. */
  clocks: Record<InputTopic, EpochMs>[];
  erasedAt: Map<CustomerId, EpochMs>;
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
  const reference: Reference = { customers: new Map(), clocks: [], erasedAt: new Map() };
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

function apply(record: LogRecord, reference: Reference, broker: MemoryBroker, codec: WireCodec): void {
  // What is refused or passed on moves its topic's clock all the same.
  noteClock(record.topic, record.recordAt, reference.clocks[record.partition]!);
  const input = read(record, broker, codec);
  if (input === null || input.kind === 'tick') return;
  if (input.kind === 'erase') reference.erasedAt.set(input.customerId, input.recordAt);
  foldInto(input, reference, broker);
}

function noteClock(topic: InputTopic, at: EpochMs, clocks: Record<InputTopic, EpochMs>): void {
  if (at > clocks[topic]) clocks[topic] = at;
}

/** Null: rejected. */
function read(record: LogRecord, broker: MemoryBroker, codec: WireCodec): CustomerInput | null {
  const { topic, partition, offset, recordAt, value } = record;
  try {
    const source = { topic, partition, offset, index: 0 };
    const reading = readInput(
      topic,
      codec.decode(topic, value),
      { recordAt, source, mailedFrom: null },
      DEFAULT_RULES,
    );
    if (!reading.ok) return null;
    const { input } = reading;
    const home = partitionOf(input.customerId, broker.partitions);
    if (home === partition) return input;
    const mailedFrom = { topic, partition, offset, index: 0, recordAt };
    return { ...input, mailedFrom, source: { ...source, topic: 'customer-mail', partition: home } };
  } catch {
    return null;
  }
}

function foldInto(input: CustomerInput, reference: Reference, broker: MemoryBroker): void {
  const { customerId, source, recordAt } = input;
  const clocks = reference.clocks[partitionOf(customerId, broker.partitions)]!;
  noteClock(source.topic, recordAt, clocks);
  let customer = reference.customers.get(customerId);
  if (customer === undefined) reference.customers.set(customerId, (customer = newCustomer(customerId)));
  const effects: Effect[] = [];
  fold(customer, input, clocks, DEFAULT_SETTINGS, effects);
  for (const effect of effects) if (effect.kind === 'mail') deliver(effect, input, reference, broker);
}

function deliver(
  { to, name, eventAt, ratingHundredths }: Extract<Effect, { kind: 'mail' }>,
  { source, recordAt }: CustomerInput,
  reference: Reference,
  broker: MemoryBroker,
): void {
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
    reference,
    broker,
  );
}
