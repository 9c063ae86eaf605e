/**
 * Drives lanes in the data's own time: history is appended slice by slice, and ticks fall at their due instants,
 * exactly where a scheduler would have put them. A slice never crosses a UTC midnight, as only there a vector can
 * change with no event; its upper midnight belongs to it, so an input at that instant comes before its tick.
 */
import type { CustomerCommand, EpochMs, InputTopic } from '../../schemas';
import { DAY_MS, NEVER } from '../../schemas';
import type { AppendRecord, EventLog, StateStore, WireCodec } from '../ports';
import type { Lane } from './lane';

/** One row of history, in the order of its record timestamp. */
export interface HistoryRecord extends AppendRecord {
  topic: InputTopic;
}

/** Where history is written: log and position in the source move together, so that a killed replay goes on. */
export interface HistoryLog {
  /** Rows of the source that were appended. */
  appended(): number;
  /** One transaction: the records, and the number of rows appended so far. */
  appendSlice(records: readonly HistoryRecord[], appended: number): Promise<void>;
}

export interface ReplayDriverOptions {
  lanes: readonly Lane[];
  log: EventLog;
  store: StateStore;
  history: HistoryLog;
  codec: WireCodec;
  /** Records a slice at most. */
  sliceRecords?: number;
  /** False: the rows come in no order of time (`--shuffle`), so ticks wait until the end. */
  inOrder?: boolean;
  onProgress?: (progress: { appended: number; at: EpochMs }) => void;
}

const DUE_PAGE = 1_000;
const nextMidnight = (at: EpochMs): EpochMs => Math.ceil(at / DAY_MS) * DAY_MS;

export class ReplayDriver {
  /** Ticks appended. */
  ticks = 0;
  private slice: HistoryRecord[] = [];
  private sliceEnd: EpochMs = NEVER;
  private appended: number;
  private readonly sliceRecords: number;

  constructor(private readonly options: ReplayDriverOptions) {
    this.appended = options.history.appended();
    this.sliceRecords = options.sliceRecords ?? 2_000;
  }

  /** Finishes what an interrupted run had appended, then says how many rows of the source to skip. */
  async resume(): Promise<number> {
    await this.drain();
    return this.appended;
  }

  /** Takes the next row of the source. */
  async feed(record: HistoryRecord): Promise<void> {
    const { inOrder = true } = this.options;
    if (this.slice.length >= this.sliceRecords || (inOrder && record.recordAt > this.sliceEnd))
      await this.flush();
    if (this.slice.length === 0) this.sliceEnd = nextMidnight(record.recordAt);
    this.slice.push(record);
  }

  /** Ends the source and moves time on to `until`, inclusive. */
  async finish(until: EpochMs): Promise<void> {
    await this.flush();
    await this.tickThrough(until);
  }

  private async flush(): Promise<void> {
    const { slice } = this;
    if (slice.length === 0) return;
    if (this.options.inOrder ?? true) await this.tickThrough(slice[0]!.recordAt - 1);
    this.slice = [];
    this.appended += slice.length;
    await this.options.history.appendSlice(slice, this.appended);
    await this.drain();
    this.options.onProgress?.({ appended: this.appended, at: slice[slice.length - 1]!.recordAt });
  }

  /** Until no lane has anything left: one lane's mail is another's input. */
  private async drain(): Promise<void> {
    for (;;) {
      let worked = false;
      for (const lane of this.options.lanes) {
        while (await lane.advance()) worked = true;
      }
      if (!worked) return;
    }
  }

  /** Every tick that is due at or before `until`, in the order of their instants as far as midnights tell. */
  private async tickThrough(until: EpochMs): Promise<void> {
    for (;;) {
      const due = await this.earliestDue();
      if (due > until) return;
      // One window ends at a midnight: handling its ticks makes the next ones.
      const window = Math.min(until, nextMidnight(due));
      for (const lane of this.options.lanes) await this.appendTicks(lane.partition, window);
      await this.drain();
      this.options.onProgress?.({ appended: this.appended, at: window });
    }
  }

  private async earliestDue(): Promise<EpochMs> {
    let earliest: EpochMs = NEVER;
    for (const lane of this.options.lanes)
      earliest = Math.min(earliest, await this.options.store.nextDue(lane.partition));
    return earliest;
  }

  private async appendTicks(partition: number, until: EpochMs): Promise<void> {
    const { store, log, codec } = this.options;
    let page = await store.due(partition, until, DUE_PAGE);
    while (page.length > 0) {
      const ticks = page.map(({ customerId, dueAt }) => ({
        key: customerId,
        recordAt: dueAt,
        value: codec.encodeInput('customer-commands', tickCommand(customerId, dueAt)),
      }));
      await log.append('customer-commands', partition, ticks);
      this.ticks += ticks.length;
      page = page.length < DUE_PAGE ? [] : await store.due(partition, until, DUE_PAGE, page[page.length - 1]);
    }
  }
}

export const tickCommand = (customerId: string, dueAt: EpochMs): CustomerCommand => ({
  customerId,
  kind: 'tick',
  dueAt,
  cause: null,
  networkCentrality: null,
  avgConnectionStrength: null,
  computedAt: null,
});
