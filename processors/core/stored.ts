/**
 * The stored value of a customer: version, facts, ledger, CRC-32C. Rows are written as the difference of their key, bits
 * for the columns that are not zero, and those columns. Frozen samples in frozen/ are read by a test for ever: version 1
 * has no checksum; 1 and 2 have no weeks, which are then those of the days that are kept.
 */
import type { AlertKind, CustomerId, CustomerStatus, RfmSegment } from '../../schemas';
import { ByteReader, ByteWriter, DamagedBytesError } from './bytes';
import { DAY, LIFE_WIDTH, ORDER, RECENT, REFUND, SPAN, WEEK, newCustomer } from './facts';
import type { Customer, CustomerFacts, ProfileRegisters, Register } from './facts';
import { hash64, hashHex } from './hash';
import { ALERT_KINDS } from './ledger';
import type { ScoreLedger, ScoreValues } from './ledger';
import { PROFILE_FIELDS } from './profile';
import type { Table } from './table';
import { markDay } from './weeks';

/** A stored value that can't be read: damaged, or written by a newer version. */
export class CorruptStateError extends Error {
  override readonly name = 'CorruptStateError';

  constructor(
    id: CustomerId,
    /** What is wrong with it, without whose it is. */
    readonly fault: string,
    options?: ErrorOptions,
  ) {
    super(
      `The stored value of customer #${hashHex(hash64(id))} can't be read: ${fault} Restore the state from a backup, or rebuild it from the archive.`,
      options,
    );
  }
}

/** Raised when the meaning of the bytes changes; older versions stay readable. */
export const STORED_VERSION = 3;
const WITHOUT_CHECKSUM = 1;
const WITHOUT_WEEKS = 2;

const SEGMENTS: readonly RfmSegment[] = ['high', 'medium', 'low', 'atRisk'];
const STATUSES: readonly CustomerStatus[] = ['active', 'browsingOnly', 'notActive'];

const writer = new ByteWriter();
const reader = new ByteReader();

export function encodeCustomer(customer: Customer): Uint8Array {
  writer.reset();
  writer.byte(STORED_VERSION);
  writeFacts(customer.facts);
  writeLedger(customer.ledger);
  writer.checksum();
  return writer.finish();
}

/** @throws CorruptStateError for bytes that this version can't read or that are not what was written. */
export function decodeCustomer(id: CustomerId, bytes: Uint8Array): Customer {
  const customer = newCustomer(id);
  try {
    read(customer, bytes);
  } catch (error) {
    // Damage without a checksum may also make a text of no characters.
    if (!(error instanceof DamagedBytesError || error instanceof RangeError)) throw error;
    throw new CorruptStateError(id, error.message, { cause: error });
  }
  return customer;
}

function read(customer: Customer, bytes: Uint8Array): void {
  reader.open(bytes);
  const version = reader.byte();
  if (version < WITHOUT_CHECKSUM || version > STORED_VERSION)
    throw new DamagedBytesError(`It has version ${version}; this program reads up to ${STORED_VERSION}.`);
  if (version > WITHOUT_CHECKSUM) reader.checked();
  readFacts(customer.facts, version > WITHOUT_WEEKS);
  readLedger(customer.ledger);
  if (!reader.finished) throw new DamagedBytesError('It goes on after its end.');
}

/** An instant that may be infinite, relative to the clock. */
function writeInstant(at: number, base: number): void {
  if (at === Infinity) writer.unsigned(1);
  else if (at === -Infinity) writer.unsigned(0);
  else {
    const difference = at - base;
    writer.unsigned(2 + (difference < 0 ? -2 * difference - 1 : 2 * difference));
  }
}

function readInstant(base: number): number {
  const code = reader.unsigned();
  if (code === 0) return -Infinity;
  if (code === 1) return Infinity;
  const zigzag = code - 2;
  return base + (zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2);
}

function writeFacts(facts: CustomerFacts): void {
  writeInstant(facts.clock, 0);
  const base = facts.clock === -Infinity ? 0 : facts.clock;
  writeInstant(facts.firstSeenAt, base);
  writeInstant(facts.lastOwnActivityAt, base);
  writeInstant(facts.erasedAt, base);
  writer.byte(facts.saturated);
  writeCells(facts.life, 0, 0, LIFE_WIDTH);
  writeSpans(facts.sessions);
  writePages(facts);
  writeKeyed(facts.days);
  writeWeeks(facts.weeks);
  writeOrders(facts.orders);
  writeRefunds(facts.refunds);
  writeRecentIds(facts.recentIds);
  writeProfile(facts.profile);
  writeAttributes(facts);
}

function readFacts(facts: CustomerFacts, hasWeeks: boolean): void {
  facts.clock = readInstant(0);
  const base = facts.clock === -Infinity ? 0 : facts.clock;
  facts.firstSeenAt = readInstant(base);
  facts.lastOwnActivityAt = readInstant(base);
  facts.erasedAt = readInstant(base);
  facts.saturated = reader.byte();
  readCells(facts.life, 0, 0, LIFE_WIDTH);
  readSpans(facts.sessions);
  readPages(facts);
  readKeyed(facts.days);
  if (hasWeeks) readWeeks(facts.weeks);
  else weeksOfDays(facts);
  readOrders(facts.orders);
  readRefunds(facts.refunds);
  readRecentIds(facts.recentIds);
  readProfile(facts.profile);
  readAttributes(facts);
}

/** Bits of the columns that are not zero, then those columns, zigzag. */
function writeCells(cells: number[], base: number, from: number, to: number): void {
  let bits = 0;
  for (let column = from; column < to; column++) if (cells[base + column] !== 0) bits += 2 ** (column - from);
  writer.unsigned(bits);
  for (let column = from; column < to; column++) {
    const value = cells[base + column]!;
    if (value !== 0) writer.signed(value);
  }
}

function readCells(cells: number[], base: number, from: number, to: number): void {
  let bits = reader.unsigned();
  for (let column = from; column < to && bits > 0; column++) {
    const half = Math.floor(bits / 2);
    if (bits - half * 2 === 1) cells[base + column] = reader.signed();
    bits = half;
  }
  if (bits > 0) throw new DamagedBytesError('It names a column that does not exist.');
}

/** Makes `rows` rows of zeros. */
function openRows(table: Table): number {
  const rows = reader.count();
  table.reserve(rows + 1);
  table.cells.fill(0, 0, rows * table.width);
  table.rows = rows;
  return rows;
}

/** Rows with an ascending key in column 0. */
function writeKeyed(table: Table): void {
  writer.unsigned(table.rows);
  let previous = 0;
  for (let row = 0; row < table.rows; row++) {
    const key = table.at(row, 0);
    writer.signed(key - previous);
    writeCells(table.cells, row * table.width, 1, table.width);
    previous = key;
  }
}

function readKeyed(table: Table): void {
  const rows = openRows(table);
  let previous = 0;
  for (let row = 0; row < rows; row++) {
    previous += reader.signed();
    table.set(row, 0, previous);
    readCells(table.cells, row * table.width, 1, table.width);
  }
}

const WEEK_BITS = 2 ** 7;

/** Weeks that follow one another take a byte each. */
function writeWeeks(weeks: Table): void {
  writer.unsigned(weeks.rows);
  let next = 0;
  for (let row = 0; row < weeks.rows; row++) {
    const week = weeks.at(row, WEEK.week);
    if (row === 0) writer.signed((next = week));
    writer.unsigned((week - next) * WEEK_BITS + weeks.at(row, WEEK.activeDays));
    next = week + 1;
  }
}

function readWeeks(weeks: Table): void {
  const rows = openRows(weeks);
  let next = rows === 0 ? 0 : reader.signed();
  for (let row = 0; row < rows; row++) {
    const packed = reader.unsigned();
    const week = next + Math.floor(packed / WEEK_BITS);
    weeks.set(row, WEEK.week, week);
    weeks.set(row, WEEK.activeDays, packed % WEEK_BITS);
    next = week + 1;
  }
}

function weeksOfDays({ days, weeks }: CustomerFacts): void {
  for (let row = 0; row < days.rows; row++)
    if (days.at(row, DAY.activeHours) !== 0) markDay(weeks, days.at(row, DAY.day));
}

/** Starts as gaps from the last end, ends as lengths. */
function writeSpans(spans: Table): void {
  writer.unsigned(spans.rows);
  let previous = 0;
  for (let row = 0; row < spans.rows; row++) {
    writer.signed(spans.at(row, SPAN.start) - previous);
    writer.unsigned(spans.at(row, SPAN.end) - spans.at(row, SPAN.start));
    writeCells(spans.cells, row * spans.width, SPAN.events, spans.width);
    previous = spans.at(row, SPAN.end);
  }
}

function readSpans(spans: Table): void {
  const rows = openRows(spans);
  let previous = 0;
  for (let row = 0; row < rows; row++) {
    const start = previous + reader.signed();
    previous = start + reader.unsigned();
    spans.set(row, SPAN.start, start);
    spans.set(row, SPAN.end, previous);
    readCells(spans.cells, row * spans.width, SPAN.events, spans.width);
  }
}

function writePages(facts: CustomerFacts): void {
  writer.unsigned(facts.pages.length);
  for (const pages of facts.pages) {
    writer.unsigned(pages.start < 0 ? 0 : pages.start);
    writer.signed(pages.entryAt - pages.start);
    writer.signed(pages.exitAt - pages.start);
    writer.text(pages.entry);
    writer.text(pages.exit === pages.entry ? '' : pages.exit);
    writer.byte(pages.exit === pages.entry ? 1 : 0);
  }
}

function readPages(facts: CustomerFacts): void {
  const count = reader.count();
  for (let at = 0; at < count; at++) {
    const start = reader.unsigned();
    const entryAt = start + reader.signed();
    const exitAt = start + reader.signed();
    const entry = reader.text();
    const exit = reader.text();
    facts.pages.push({ start, entryAt, exitAt, entry, exit: reader.byte() === 1 ? entry : exit });
  }
}

/** Instants of an order lie close together: each as the difference from when it was placed. */
function writeOrders(orders: Table): void {
  writer.unsigned(orders.rows);
  for (let row = 0; row < orders.rows; row++) {
    const placedAt = orders.at(row, ORDER.placedAt);
    writer.uint32(orders.at(row, ORDER.idHi));
    writer.uint32(orders.at(row, ORDER.idLo));
    writer.byte(orders.at(row, ORDER.flags));
    writer.signed(placedAt);
    writer.signed(orders.at(row, ORDER.revisedAt) - placedAt);
    writer.signed(orders.at(row, ORDER.amountAt) - placedAt);
    writer.signed(orders.at(row, ORDER.amountMinor));
    writer.signed(orders.at(row, ORDER.cancelledAt));
  }
}

function readOrders(orders: Table): void {
  const rows = openRows(orders);
  for (let row = 0; row < rows; row++) {
    orders.set(row, ORDER.idHi, reader.uint32());
    orders.set(row, ORDER.idLo, reader.uint32());
    orders.set(row, ORDER.flags, reader.byte());
    const placedAt = reader.signed();
    orders.set(row, ORDER.placedAt, placedAt);
    orders.set(row, ORDER.revisedAt, placedAt + reader.signed());
    orders.set(row, ORDER.amountAt, placedAt + reader.signed());
    orders.set(row, ORDER.amountMinor, reader.signed());
    orders.set(row, ORDER.cancelledAt, reader.signed());
  }
}

function writeRefunds(refunds: Table): void {
  writer.unsigned(refunds.rows);
  for (let row = 0; row < refunds.rows; row++) {
    for (let column: number = REFUND.orderHi; column <= REFUND.messageLo; column++)
      writer.uint32(refunds.at(row, column));
    writer.signed(refunds.at(row, REFUND.amountMinor));
    writer.byte(refunds.at(row, REFUND.whole));
  }
}

function readRefunds(refunds: Table): void {
  const rows = openRows(refunds);
  for (let row = 0; row < rows; row++) {
    for (let column: number = REFUND.orderHi; column <= REFUND.messageLo; column++)
      refunds.set(row, column, reader.uint32());
    refunds.set(row, REFUND.amountMinor, reader.signed());
    refunds.set(row, REFUND.whole, reader.byte());
  }
}

function writeRecentIds(ids: Table): void {
  writer.unsigned(ids.rows);
  let previous = 0;
  for (let row = 0; row < ids.rows; row++) {
    const recordAt = ids.at(row, RECENT.recordAt);
    writer.signed((recordAt - previous) * 4 + ids.at(row, RECENT.source));
    writer.uint32(ids.at(row, RECENT.hi));
    writer.uint32(ids.at(row, RECENT.lo));
    previous = recordAt;
  }
}

function readRecentIds(ids: Table): void {
  const rows = openRows(ids);
  let previous = 0;
  for (let row = 0; row < rows; row++) {
    const packed = reader.signed();
    const source = ((packed % 4) + 4) % 4;
    previous += (packed - source) / 4;
    ids.set(row, RECENT.recordAt, previous);
    ids.set(row, RECENT.source, source);
    ids.set(row, RECENT.hi, reader.uint32());
    ids.set(row, RECENT.lo, reader.uint32());
  }
}

function writeProfile(profile: ProfileRegisters): void {
  let bits = 0;
  PROFILE_FIELDS.forEach((field, index) => {
    if (profile[field] !== undefined) bits |= 1 << index;
  });
  writer.unsigned(bits);
  for (const field of PROFILE_FIELDS) {
    const register: Register<string | number> | undefined = profile[field];
    if (register === undefined) continue;
    writer.signed(register.at);
    writer.uint32(register.hi);
    writer.uint32(register.lo);
    if (typeof register.value === 'string') writer.text(register.value);
    else writer.double(register.value);
  }
}

const NUMERIC_FIELDS: ReadonlySet<string> = new Set(['createdAt', 'profileCompleteness', 'skills']);

function readProfile(profile: ProfileRegisters): void {
  const bits = reader.unsigned();
  PROFILE_FIELDS.forEach((field, index) => {
    if ((bits & (1 << index)) === 0) return;
    const at = reader.signed();
    const hi = reader.uint32();
    const lo = reader.uint32();
    const value = NUMERIC_FIELDS.has(field) ? reader.double() : reader.text();
    (profile as Record<string, Register<string | number>>)[field] = { at, hi, lo, value };
  });
}

function writeAttributes({ attributes }: CustomerFacts): void {
  if (attributes === null) return writer.byte(0);
  const { networkCentrality, avgConnectionStrength } = attributes;
  writer.byte(1 + (networkCentrality === null ? 0 : 2) + (avgConnectionStrength === null ? 0 : 4));
  writer.signed(attributes.computedAt);
  if (networkCentrality !== null) writer.double(networkCentrality);
  if (avgConnectionStrength !== null) writer.double(avgConnectionStrength);
}

function readAttributes(facts: CustomerFacts): void {
  const bits = reader.byte();
  if (bits === 0) return;
  const computedAt = reader.signed();
  const networkCentrality = (bits & 2) === 0 ? null : reader.double();
  const avgConnectionStrength = (bits & 4) === 0 ? null : reader.double();
  facts.attributes = { computedAt, networkCentrality, avgConnectionStrength };
}

function writeLedger(ledger: ScoreLedger): void {
  writer.unsigned(ledger.epoch);
  writer.unsigned(ledger.sequence);
  const same = ledger.newest === ledger.published;
  writer.byte((ledger.published === null ? 0 : 1) + (ledger.newest === null ? 0 : 2) + (same ? 4 : 0));
  if (ledger.published !== null) writeValues(ledger.published);
  if (ledger.newest !== null && !same) writeValues(ledger.newest);
  writer.unsigned(ledger.alerts.length);
  for (const alert of ledger.alerts) {
    writer.byte(ALERT_KINDS.indexOf(alert.kind));
    writer.signed(alert.since);
    writer.text(alert.alertId);
    writer.signed(alert.raisedAt);
    writer.double(alert.clearAt);
  }
  writer.unsigned(ledger.dayEnds.length);
  for (const { day, engagement } of ledger.dayEnds) {
    writer.signed(day);
    writer.double(engagement);
  }
  writeInstant(ledger.settledThrough, 0);
  writer.unsigned(ledger.sessions.length);
  for (const session of ledger.sessions) {
    writer.signed(session.start);
    writer.unsigned(session.end - session.start);
    writer.unsigned(session.events);
    writer.unsigned(session.revision);
  }
}

function readLedger(ledger: ScoreLedger): void {
  ledger.epoch = reader.unsigned();
  ledger.sequence = reader.unsigned();
  const bits = reader.byte();
  if ((bits & 1) !== 0) ledger.published = readValues();
  if ((bits & 2) !== 0) ledger.newest = (bits & 4) !== 0 ? ledger.published : readValues();
  for (let count = reader.count(); count > 0; count--) {
    const kind = ALERT_KINDS[reader.byte()] as AlertKind;
    const since = reader.signed();
    const alertId = reader.text();
    ledger.alerts.push({ kind, since, alertId, raisedAt: reader.signed(), clearAt: reader.double() });
  }
  for (let count = reader.count(); count > 0; count--)
    ledger.dayEnds.push({ day: reader.signed(), engagement: reader.double() });
  ledger.settledThrough = readInstant(0);
  for (let count = reader.count(); count > 0; count--) {
    const start = reader.signed();
    const end = start + reader.unsigned();
    ledger.sessions.push({ start, end, events: reader.unsigned(), revision: reader.unsigned() });
  }
}

function writeValues(values: ScoreValues): void {
  writer.signed(values.asOf);
  writer.double(values.engagement);
  writer.double(values.churn30d);
  writer.signed(values.ltvMinor);
  writer.byte(SEGMENTS.indexOf(values.segment) * 4 + STATUSES.indexOf(values.status));
  writer.text(values.models);
}

function readValues(): ScoreValues {
  const asOf = reader.signed();
  const engagement = reader.double();
  const churn30d = reader.double();
  const ltvMinor = reader.signed();
  const code = reader.byte();
  const segment = SEGMENTS[code >> 2];
  const status = STATUSES[code & 3];
  if (segment === undefined || status === undefined)
    throw new DamagedBytesError('It has an unknown segment or status.');
  models = reader.text(models);
  return { asOf, engagement, churn30d, ltvMinor, segment, status, models };
}

/** Of the value read last: nearly all customers were scored by the same models. */
let models = '';
