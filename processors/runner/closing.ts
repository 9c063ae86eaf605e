/** The end of step 6: a draft becomes the batch that is committed. */
import type { CustomerId, EpochMs, Positions } from '../../schemas';
import { encodeCustomer, nextWake } from '../core';
import type { CoreSettings } from '../core';
import type { OutgoingMessage, StateBatch } from '../ports';
import { isGone } from './advance';
import type { Draft, Touched } from './draft';

export interface ClosingTools {
  core: CoreSettings;
  epoch: number;
  batchNumber: number;
  /** Of a recovery: everything was said before the store lost it. */
  isSilent: boolean;
}

export function closeDraft(
  draft: Draft,
  to: Positions,
  messages: readonly OutgoingMessage[],
  tools: ClosingTools,
): StateBatch {
  const { epoch, batchNumber, isSilent } = tools;
  const states = new Map<CustomerId, Uint8Array | null>();
  const wakes = new Map<CustomerId, EpochMs>();
  for (const touched of draft.customers.values()) closeCustomer(touched, tools, states, wakes);
  const clocks = draft.closeClocks();
  const { from, mailPositions, counts } = draft;
  const outbox = {
    batchNumber,
    epoch,
    from,
    to,
    mail: isSilent ? [] : draft.mailInOrder(),
    messages: isSilent ? [] : [...messages, ...draft.deadLetters],
  };
  for (const { value } of outbox.messages) counts.outboxBytes += value?.length ?? 0;
  counts.batches = 1;
  return { batchNumber, from, to, mailPositions, clocks, states, wakes, outbox };
}

function closeCustomer(
  touched: Touched,
  { core, isSilent }: ClosingTools,
  states: Map<CustomerId, Uint8Array | null>,
  wakes: Map<CustomerId, EpochMs>,
): void {
  const { id, customer } = touched;
  wakes.set(id, nextWake(customer, core));
  // A stale tick: its due entry is renewed, nothing else.
  if (!touched.changed && touched.evaluations.length === 0) return;
  // Without a published score the end of the recovery knows whom to speak of.
  if (isSilent) customer.ledger.published = null;
  states.set(id, isGone(touched) ? null : encodeCustomer(customer));
}
