/**
 * Is the distributed state whole? Every stored value, every due entry, every outbox, and the positions R in Redis against
 * those of the group (K) and what Kafka holds. Processors may work meanwhile: what looks wrong is looked at again.
 */
import type { Admin } from 'kafkajs';
import { CorruptStateError, decodeCustomer, nextWake } from '../../processors/core';
import type { CoreSettings } from '../../processors/core';
import { RECOVERY_MARK, isBehind, samePositions, sha256Hex, showPositions } from '../../processors/runner';
import { DamagedOutboxError, decodeOutbox } from '../../processors/state/redis';
import type { RedisStateStore } from '../../processors/state/redis';
import type { DueEntry, Outbox } from '../../processors/ports';
import type { CustomerId, EpochMs, Positions } from '../../schemas';
import { INPUT_TOPICS, NEVER, SECOND_MS } from '../../schemas';
import { topicName } from '../../streams/kafka';
import type { Context } from '../context';
import type { StateReport } from '../embedded';
import { instant } from '../output/format';
import { coreSettings } from '../settings';
import { withAdmin } from './admin';
import { openClusterState, valuesOf } from './state';

/** A lane that works moves its positions within this. */
const MOVES_MS = 2 * SECOND_MS;
const DUE_PAGE = 1_000;

/** @throws CliError redis-unreachable, state-missing, kafka-unreachable, topics-unfit */
export async function checkClusterState(context: Context): Promise<StateReport> {
  const state = await openClusterState(context.settings.values);
  const { partitions, store } = state;
  const core = coreSettings(context.settings.values);
  const report: StateReport = { customers: 0, partitions: partitions.length, stateBytes: 0, problems: [] };
  try {
    for (const partition of partitions) await checkCustomers(store, partition, core, report);
    await withAdmin(context, async admin => {
      for (const partition of partitions) await checkPositions(context, admin, store, partition, report);
    });
  } finally {
    state.close();
  }
  return report;
}

const found = (report: StateReport, whose: string, what: string): void =>
  void report.problems.push({ customerId: whose, what });

async function checkCustomers(
  store: RedisStateStore,
  partition: number,
  core: CoreSettings,
  report: StateReport,
): Promise<void> {
  const due = await dueEntries(store, partition);
  for await (const { customerId, value } of valuesOf(store, partition)) {
    report.customers++;
    report.stateBytes += value.length;
    const dueAt = due.get(customerId) ?? null;
    due.delete(customerId);
    if (faultOf(customerId, { value, dueAt }, core) === null) continue;
    const what = faultOf(customerId, await store.peek(partition, customerId), core);
    if (what !== null) found(report, customerId, `${what} (partition ${partition})`);
  }
  for (const id of due.keys()) {
    const { value, dueAt } = await store.peek(partition, id);
    if (value === null && dueAt !== null)
      found(report, id, `A due entry without a stored value (partition ${partition}).`);
  }
}

async function dueEntries(store: RedisStateStore, partition: number): Promise<Map<CustomerId, EpochMs>> {
  const entries = new Map<CustomerId, EpochMs>();
  for (let cursor: DueEntry | undefined; ;) {
    const page = await store.due(partition, NEVER, DUE_PAGE, cursor);
    for (const { customerId, dueAt } of page) entries.set(customerId, dueAt);
    if (page.length < DUE_PAGE) return entries;
    cursor = page[page.length - 1];
  }
}

function faultOf(
  id: CustomerId,
  { value, dueAt }: { value: Uint8Array | null; dueAt: EpochMs | null },
  core: CoreSettings,
): string | null {
  // Removed since the page was read.
  if (value === null) return null;
  try {
    return dueFault(nextWake(decodeCustomer(id, value), core), dueAt);
  } catch (error) {
    if (!(error instanceof CorruptStateError)) throw error;
    return error.fault;
  }
}

/** Too early is no fault: a tick that changes nothing renews the entry. */
function dueFault(wake: EpochMs, dueAt: EpochMs | null): string | null {
  if (wake === NEVER || (dueAt !== null && dueAt <= wake)) return null;
  const is = dueAt === null ? 'nobody would look then' : `the due entry says ${instant(dueAt)}`;
  return `Its next change is at ${instant(wake)}, ${is}.`;
}

async function checkPositions(
  context: Context,
  admin: Admin,
  store: RedisStateStore,
  partition: number,
  report: StateReport,
): Promise<void> {
  const look = () => positionsFault(context, admin, store, partition);
  let { fault, at } = await look();
  // Of a lane that works, R and K are read at two instants: only where nothing moves they can be compared.
  for (let moves = true; fault !== null && moves;) {
    await context.io.clock.sleep(MOVES_MS, context.io.signal);
    const again = await look();
    moves = again.at !== at && !context.io.signal.aborted;
    ({ fault, at } = again);
  }
  if (fault !== null) found(report, `lane ${partition}`, fault);
}

/** `at`: R and K in words. */
async function positionsFault(
  { settings }: Context,
  admin: Admin,
  store: RedisStateStore,
  partition: number,
): Promise<{ fault: string | null; at: string }> {
  const { 'kafka.topicPrefix': prefix, 'kafka.application': groupId } = settings.values;
  const committed = await committedOf(admin, groupId, prefix, partition);
  const { positions, mailPositions, outbox } = await store.head(partition);
  const at = `${positions && showPositions(positions)} / ${committed && showPositions(committed)}`;
  const answer = (fault: string | null) => ({ fault, at });
  if (positions === null) return answer(committed === null ? null : 'The state is empty, the group is not.');
  const outboxFault = faultOfOutbox(outbox, positions);
  if (typeof outboxFault === 'string') return answer(outboxFault);
  const range = await rangeFault(admin, prefix, partition, positions);
  // A recovery under way is behind K until it has caught up.
  const isRecovering = mailPositions[RECOVERY_MARK] !== undefined;
  if (range !== null || committed === null || isRecovering || samePositions(positions, committed))
    return answer(range);
  if (isBehind(positions, committed))
    return answer(
      `The state is at ${showPositions(positions)}, the group has committed ${showPositions(committed)}: writes were lost, a processor reads them again when it begins.`,
    );
  const covered = outboxFault !== null && samePositions(outboxFault.from, committed);
  return answer(
    covered ? null : `The state is ahead of the group, and its outbox does not begin there: ${at}.`,
  );
}

async function committedOf(
  admin: Admin,
  groupId: string,
  prefix: string,
  partition: number,
): Promise<Positions | null> {
  const answers = await admin.fetchOffsets({
    groupId,
    topics: INPUT_TOPICS.map(topic => topicName(prefix, topic)),
  });
  const offsets = INPUT_TOPICS.map(topic => {
    const held = answers.find(one => one.topic === topicName(prefix, topic))?.partitions;
    return [topic, Number(held?.find(one => one.partition === partition)?.offset ?? -1)] as const;
  });
  return offsets.some(([, offset]) => offset < 0)
    ? null
    : (Object.fromEntries(offsets) as unknown as Positions);
}

/** The outbox where it is whole, null where there is none, or what is wrong with it. */
function faultOfOutbox(bytes: Buffer | null, positions: Positions): Outbox | null | string {
  if (bytes === null) return null;
  try {
    const outbox = decodeOutbox(bytes);
    for (const { value, id, topic, key } of outbox.messages)
      if (value !== null && !sha256Hex(value).startsWith(id))
        return `The outbox holds a message for ${topic} that is not what it was (${key}).`;
    return samePositions(outbox.to, positions) ? outbox : 'The outbox does not end where the state is.';
  } catch (error) {
    if (!(error instanceof DamagedOutboxError)) throw error;
    return error.message;
  }
}

async function rangeFault(
  admin: Admin,
  prefix: string,
  partition: number,
  positions: Positions,
): Promise<string | null> {
  for (const topic of INPUT_TOPICS) {
    const offsets = await admin.fetchTopicOffsets(topicName(prefix, topic));
    const held = offsets.find(one => one.partition === partition);
    if (held === undefined) return `The topic ${topic} has no such partition.`;
    if (positions[topic] < Number(held.low) || positions[topic] > Number(held.high))
      return `Has read ${topic} to ${positions[topic]}, the log holds ${held.low} to ${held.high}.`;
  }
  return null;
}
