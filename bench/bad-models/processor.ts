/**
 * A live embedded processor with customers of the synthetic world in its state, which follows a registry: a version is
 * put there around every check, and what becomes of it is read in the processor's log.
 */
import { join } from 'node:path';
import { systemClock } from '../../cli/clock';
import { OpenState } from '../../cli/embedded';
import { startLive } from '../../cli/live/engine';
import type { LiveEngine } from '../../cli/live/engine';
import { processIo } from '../../cli/main';
import { openLiveModels } from '../../cli/models/live';
import type { LiveModels } from '../../cli/models/live';
import type { Settings } from '../../cli/settings';
import { sha256Hex } from '../../models/layout';
import { presentFiles } from '../../models/registry/sealed';
import type { SealedVersion } from '../../models/registry/sealed';
import type { RegistryStore } from '../../models/registry/store';
import { DEFAULT_WORLD, worldRecords } from '../../processors/sim/world';
import type { HistoryRecord } from '../../processors/runner';
import { DAY_MS, SECOND_MS } from '../../schemas';
import type { InputTopic } from '../../schemas';
import { PAGE_VIEW } from '../../streams/avro/samples';
import { EmbeddedHistory, openEmbedded } from '../../streams/embedded';
import { point } from '../pointer';
import type { Refusal } from './trainings';

const CUSTOMERS = 500;
const DAYS = 45;
const SLICE = 20_000;
const EVENTS_PER_SECOND = 1_000;
/** Batches of some hundred rows: a call of few rows is quick whatever the model. */
const BURST_MS = 250;
const EVERY_MS = 20;
/** Nobody waits longer for a verdict. */
const LONGEST_MS = 300 * SECOND_MS;

const REFUSED = /may not score \((.*?)\): (.*) That took/;
const ROLLED_BACK = /is rolled back \((.*)\); .* scores again/;

/** `passed`: it has passed its trial; `undecided`: it scored for minutes, and the trial did not end. */
export type Live =
  | ({ kind: 'refused' } & Refusal)
  | { kind: 'passed'; seconds: number }
  | { kind: 'undecided'; seconds: number };

export class TestProcessor {
  private constructor(
    private readonly state: OpenState,
    private readonly models: LiveModels,
    private readonly engine: LiveEngine,
    /** Lines of its log about models. */
    private readonly notes: string[],
    private readonly stop: AbortController,
    private readonly loading: Promise<void>,
  ) {}

  /** Answers when everybody's history is worked off and page views of everybody come in. */
  static async start(directory: string, settings: Settings): Promise<TestProcessor> {
    const notes: string[] = [];
    const models = await openLiveModels(processIo(), settings, 'bench', line => void notes.push(line));
    const state = new OpenState(openEmbedded({ directory: join(directory, 'state'), partitions: 1 }));
    const stop = new AbortController();
    const customers = await appendWorld(state);
    const engine = startLive(settings, state, models.scorer, systemClock, stop);
    while (engine.pending() > 0) await systemClock.sleep(EVERY_MS);
    const loading = load(state, customers, stop.signal);
    return new TestProcessor(state, models, engine, notes, stop, loading);
  }

  /** What became of a version that is put into its registry. Afterwards `back` scores again. */
  async meet(store: RegistryStore, sealed: SealedVersion, back: SealedVersion): Promise<Live> {
    await smuggle(store, sealed);
    this.notes.length = 0;
    const startedAt = performance.now();
    await point(store, sealed.name, sealed.version, sha256Hex(sealed.manifest));
    await this.models.look();
    let found: Live | null = null;
    while (found === null) {
      found = this.outcome(sealed.version, performance.now() - startedAt);
      await systemClock.sleep(EVERY_MS);
    }
    await point(store, back.name, back.version, sha256Hex(back.manifest));
    await this.models.look();
    return found;
  }

  /** Null: not known yet. */
  private outcome(version: string, tookMs: number): Live | null {
    const seconds = tookMs / SECOND_MS;
    const line = this.notes.find(one => one.includes(version) && /may not|rolled back|passed/.test(one));
    if (line === undefined) return tookMs > LONGEST_MS ? { kind: 'undecided', seconds } : null;
    const [, code, words] = REFUSED.exec(line) ?? [];
    if (code !== undefined)
      return { kind: 'refused', by: 'processor, when it loads', reason: `${code}: ${words}`, seconds };
    const [, reason] = ROLLED_BACK.exec(line) ?? [];
    if (reason === undefined) return { kind: 'passed', seconds };
    return { kind: 'refused', by: 'processor, rolled back', reason, seconds };
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.loading;
    await this.engine.done;
    await this.state.close();
    await this.models.close();
  }
}

/** The last weeks of a world, so that vectors are of customers who differ. Answers with their ids. */
async function appendWorld({ embedded, codec }: OpenState): Promise<string[]> {
  const now = systemClock.now();
  const startAt = now - (now % DAY_MS) - DAYS * DAY_MS;
  const records: HistoryRecord[] = [];
  const customers = new Set<string>();
  for (const one of worldRecords({ ...DEFAULT_WORLD, customers: CUSTOMERS, days: DAYS, startAt })) {
    const { topic, customerId: key, recordAt, value } = one;
    records.push({ topic, key, recordAt, value: codec.encodeInput<InputTopic>(topic, value) });
    customers.add(key);
  }
  const history = new EmbeddedHistory(embedded.environment, embedded.log, 'world');
  for (let at = 0; at < records.length; at += SLICE)
    await history.appendSlice(records.slice(at, at + SLICE), at);
  return [...customers];
}

/** Page views of everybody in turn, until told to stop. */
async function load({ embedded: { log }, codec }: OpenState, customers: string[], signal: AbortSignal) {
  const startedAt = performance.now();
  for (let sent = 0; !signal.aborted; await systemClock.sleep(BURST_MS, signal)) {
    const due = Math.floor(((performance.now() - startedAt) * EVENTS_PER_SECOND) / SECOND_MS);
    const recordAt = systemClock.now();
    for (; sent < due; sent++) {
      const userId = customers[sent % customers.length]!;
      const event = { ...PAGE_VIEW, userId, messageId: `m${sent}`, timestamp: recordAt };
      const value = codec.encodeInput('web-events', event);
      await log.append('web-events', log.partitionOf(userId), [{ key: userId, recordAt, value }]);
    }
  }
}

/** Everything is where a publisher would have put it, and nobody has looked at it. */
async function smuggle(store: RegistryStore, sealed: SealedVersion): Promise<void> {
  const { name, version, manifest, signature, files } = sealed;
  const objects: [string, Uint8Array][] = [
    ['manifest.json', manifest],
    ['manifest.sig', signature],
    ...presentFiles(files),
  ];
  for (const [file, bytes] of objects) await store.swap(`${name}/${version}/${file}`, bytes, null);
}
