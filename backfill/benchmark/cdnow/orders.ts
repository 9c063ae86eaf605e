/** The orders of the CDNOW file, read as `rescore replay --map cdnow` reads them: events at noon UTC of their day. */
import type { CustomerId, EpochMs } from '../../../schemas';
import { DEFAULT_RULES, readInput } from '../../../processors/core';
import type { OrderInput } from '../../../processors/core';
import { loadMapping, openReader } from '../../../streams/mapping';

/** By customer, in the order of the file; the orders of each by time. */
export type OrdersByCustomer = Map<CustomerId, OrderInput[]>;

/** Throws for the first row that is no order: this file has none. */
export async function readOrders(file: string): Promise<OrdersByCustomer> {
  const orders: OrdersByCustomer = new Map();
  let offset = 0;
  for await (const { line, reading } of openReader({ file, mapping: loadMapping('cdnow') })) {
    if (reading.ok === 'ignored') continue;
    const input = reading.ok ? orderOf(reading.topic, reading.value, reading.recordAt, offset++) : null;
    if (input === null)
      throw new Error(`Line ${line} is no order of the CDNOW file; give CDNOW_master.txt as --file.`);
    const known = orders.get(input.customerId);
    if (known === undefined) orders.set(input.customerId, [input]);
    else known.push(input);
  }
  for (const one of orders.values())
    one.sort((a, b) => a.eventAt - b.eventAt || a.source.offset - b.source.offset);
  return orders;
}

function orderOf(
  topic: Parameters<typeof readInput>[0],
  value: Parameters<typeof readInput>[1],
  recordAt: EpochMs | null,
  offset: number,
): OrderInput | null {
  if (recordAt === null) return null;
  const source = { topic, partition: 0, offset, index: 0 };
  const read = readInput(topic, value, { recordAt, source, mailedFrom: null }, DEFAULT_RULES);
  return read.ok && read.input.kind === 'order' && read.input.amountMinor !== null ? read.input : null;
}
