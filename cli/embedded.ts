/**
 * The embedded engine as commands use it: a state directory opened for reading (beside a running process) or for
 * work (alone), with the customers, inputs and outputs that it holds.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptStateError, decodeCustomer, isErasedMarker, type Customer } from '../processors/core';
import type { OutputRecord } from '../streams/embedded';
import { EmbeddedError, openEmbedded, type Embedded } from '../streams/embedded';
import { stateKey } from '../streams/embedded/keys';
import { createAvroCodec } from '../streams/avro/codec';
import type { WireCodec } from '../processors/ports';
import { INPUT_TOPICS, type CustomerId, type OutputTopic } from '../schemas';
import type { Context } from './context';
import { CliError } from './errors';
import { instant } from './output/format';
import { asJson, messageAsJson } from './output/json';

export const STATE_FILE = 'rescore.mdb';
const PAGE = 500;
/** The due instant before the customer's bytes (streams/embedded/store.ts). */
const STATE_HEADER_BYTES = 8;

/** Absolute path of --state, or of the setting state.directory. */
export const stateDirectory = (context: Context, given: string | undefined): string =>
  context.path(given ?? context.settings.values['state.directory']);

/** Process that has the state open for work; null when none has. */
export function stateInUse(directory: string): number | null {
  try {
    const { pid } = JSON.parse(readFileSync(join(directory, 'lock'), 'utf8')) as { pid: number };
    process.kill(pid, 0);
    return pid;
  } catch {
    return null;
  }
}

export interface HeldCustomer {
  customer: Customer;
  stateBytes: number;
}

/** A state that is open; `close` it in every case. */
export class OpenState {
  readonly codec: WireCodec = createAvroCodec();

  constructor(readonly embedded: Embedded) {}

  get partitions(): number {
    return this.embedded.log.partitions;
  }

  /** Null when nothing is held of the customer, or only the marker of an erasure. */
  customer(id: CustomerId): Customer | null {
    const { environment, log } = this.embedded;
    // `load` of the port is for the owner of a lane; a reader beside it looks the value up as it is stored.
    const packed = environment.states.get(stateKey(log.partitionOf(id), id));
    const customer = packed === undefined ? null : decodeCustomer(id, packed.subarray(STATE_HEADER_BYTES));
    return customer && !isErasedMarker(customer.facts) ? customer : null;
  }

  /** Stored values of all customers, lane by lane in byte order of their ids; markers of erasures too. */
  async *storedValues(): AsyncGenerator<{ partition: number; customerId: CustomerId; value: Uint8Array }> {
    for (let partition = 0; partition < this.partitions; partition++) {
      let cursor: CustomerId | undefined;
      for (;;) {
        const page = await this.embedded.store.scan(partition, PAGE, cursor);
        for (const { customerId, value } of page) yield { partition, customerId, value };
        if (page.length < PAGE) break;
        cursor = page[page.length - 1].customerId;
      }
    }
  }

  async *everyone(): AsyncGenerator<HeldCustomer> {
    for await (const { customerId, value } of this.storedValues()) {
      const customer = decodeCustomer(customerId, value);
      if (!isErasedMarker(customer.facts)) yield { customer, stateBytes: value.length };
    }
  }

  /** Retained outputs from `sequence` on, in the order of publication. */
  *outputs(sequence = 0): Generator<OutputRecord> {
    const { output } = this.embedded;
    for (let next = sequence; ;) {
      const page = output.read(next, PAGE);
      yield* page;
      if (page.length < PAGE) return;
      next = page[page.length - 1].sequence + 1;
    }
  }

  /** Retained outputs of one topic about one customer, decoded. */
  outputsOf(topic: OutputTopic, id: CustomerId): Record<string, unknown>[] {
    const found: Record<string, unknown>[] = [];
    for (const record of this.outputs()) {
      if (record.topic !== topic || record.value === null) continue;
      const value = this.codec.decodeOutput(topic, record.value);
      if ('customerId' in value && value.customerId === id)
        found.push({ id: record.id, ...messageAsJson(value) });
    }
    return found;
  }

  /** Retained inputs of one customer, decoded. */
  async inputsOf(id: CustomerId): Promise<Record<string, unknown>[]> {
    const { log } = this.embedded;
    const partition = log.partitionOf(id);
    const found: Record<string, unknown>[] = [];
    let from = await log.starts(partition);
    for (;;) {
      const batches = await log.read(partition, from, PAGE);
      for (const { records } of batches)
        for (const { topic, offset, recordAt, key, value } of records)
          if (key === id)
            found.push({
              topic,
              offset,
              recordAt: instant(recordAt),
              ...asJson(this.codec.decode(topic, value)),
            });
      from = Object.fromEntries(batches.map(batch => [batch.topic, batch.nextOffset])) as typeof from;
      if (batches.every(batch => batch.atEnd)) return found;
    }
  }

  close(): Promise<void> {
    return this.embedded.close();
  }
}

function inCliWords(error: unknown): unknown {
  if (!(error instanceof EmbeddedError)) return error;
  if (error.code === 'state-locked') return new CliError('state-in-use', error.message);
  return error.code === 'state-missing' ? new CliError('state-missing', error.message) : error;
}

/** Opens for work: one process at a time. `partitions` counts for a new state only. */
export function openForWork(context: Context, directory: string, partitions?: number): OpenState {
  try {
    return new OpenState(
      openEmbedded({
        directory,
        durability: context.settings.values['state.durability'],
        ...(partitions === undefined ? {} : { partitions }),
      }),
    );
  } catch (error) {
    throw inCliWords(error);
  }
}

/** As `openForWork`, for a state that must be there. `CliError` state-missing when it is not. */
export function openExistingForWork(context: Context, directory: string): OpenState {
  if (!existsSync(join(directory, STATE_FILE)))
    throw new CliError('state-missing', `There is no state in ${directory}.`);
  return openForWork(context, directory);
}

/** Opens for reading, beside a process that works. `CliError` state-missing when there is none. */
export function openForReading(directory: string): OpenState {
  try {
    return new OpenState(openEmbedded({ directory, readOnly: true }));
  } catch (error) {
    throw inCliWords(error);
  }
}

export function knownCustomer(state: OpenState, id: CustomerId): Customer {
  const customer = state.customer(id);
  if (customer === null)
    throw new CliError('customer-unknown', `Nothing is known of customer ${JSON.stringify(id)}.`);
  return customer;
}

export interface StateReport {
  customers: number;
  partitions: number;
  stateBytes: number;
  problems: { customerId: string; what: string }[];
}

/** Decodes every stored value, and compares what the lanes have read with what the log holds. */
export async function checkState(directory: string): Promise<StateReport> {
  const state = openForReading(directory);
  const report: StateReport = { customers: 0, partitions: state.partitions, stateBytes: 0, problems: [] };
  try {
    for await (const { customerId, value } of state.storedValues()) {
      report.customers++;
      report.stateBytes += value.length;
      try {
        decodeCustomer(customerId, value);
      } catch (error) {
        if (!(error instanceof CorruptStateError)) throw error;
        report.problems.push({ customerId, what: error.fault });
      }
    }
    await checkPositions(state, report);
  } finally {
    await state.close();
  }
  return report;
}

async function checkPositions(state: OpenState, report: StateReport): Promise<void> {
  const { log } = state.embedded;
  for (let partition = 0; partition < state.partitions; partition++) {
    const read = await log.committed(partition);
    if (read === null) continue;
    const [starts, ends] = [await log.starts(partition), await log.ends(partition)];
    for (const topic of INPUT_TOPICS)
      if (read[topic] < starts[topic] || read[topic] > ends[topic])
        report.problems.push({
          customerId: `lane ${partition}`,
          what: `has read ${topic} to ${read[topic]}, the log holds ${starts[topic]} to ${ends[topic]}`,
        });
  }
}
