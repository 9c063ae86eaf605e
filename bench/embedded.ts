/**
 * `make bench`: what the embedded lane costs, from decoded input to committed score, with the three shipped models.
 * Events and ticks are measured apart; state is measured on customers made to measure. This machine is noisy, so
 * compare ratios of one run, and results of one machine.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createReadStream } from 'node:fs';
import { baselineDirectory, openScorer } from '../models';
import { DEFAULT_RULES, DEFAULT_SETTINGS } from '../processors/core';
import type { Scorer } from '../processors/ports';
import { Lane, ReplayDriver, STAGES } from '../processors/runner';
import type { HistoryRecord, LaneMetrics } from '../processors/runner';
import { DEFAULT_WORLD, worldRecords } from '../processors/sim/world';
import type { EpochMs, InputTopic } from '../schemas';
import { DAY_MS } from '../schemas';
import { createAvroCodec } from '../streams/avro/codec';
import { EmbeddedHistory, openEmbedded } from '../streams/embedded';
import { systemClock } from '../cli/clock';
import { commitOf, compare, keepResult, machine, previousResult } from './results';
import { stateSizes } from './state-size';

const codec = createAvroCodec();
const ROOT = resolve(__dirname, existsSync(join(__dirname, '../package.json')) ? '..' : '../..');
/** Stages between the decoded input and the committed, published score. */
const SCORED = STAGES.filter(stage => stage !== 'read' && stage !== 'decode');
const TICKED_DAYS = 12;

type Figures = Record<string, number>;

/** Records of the synthetic world, as the log holds them. */
function* world(customers: number, days: number): Generator<HistoryRecord> {
  for (const { topic, customerId, recordAt, value } of worldRecords({ ...DEFAULT_WORLD, customers, days }))
    yield { topic, key: customerId, recordAt, value: codec.encodeInput<InputTopic>(topic, value) };
}

/** Orders of the CDNOW file; nothing where it is not there. */
async function cdnow(): Promise<HistoryRecord[] | null> {
  const file = join(
    process.env['RESCORE_DATA'] ?? resolve(ROOT, '../shared/data'),
    'cdnow',
    'CDNOW_master.txt',
  );
  if (!existsSync(file)) return null;
  const rows: HistoryRecord[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const [id, day, , amount] = line.trim().split(/\s+/);
    if (id === undefined || !/^\d{8}$/.test(day ?? '')) continue;
    const recordAt = Date.UTC(
      Number(day!.slice(0, 4)),
      Number(day!.slice(4, 6)) - 1,
      Number(day!.slice(6)),
      12,
    );
    rows.push({ topic: 'orders', key: id, recordAt, value: orderOf(id, recordAt, amount!, rows.length) });
  }
  return rows.sort((a, b) => a.recordAt - b.recordAt);
}

const orderOf = (userId: string, at: EpochMs, amount: string, row: number): Uint8Array =>
  codec.encodeInput('orders', {
    messageId: `row-${row}`,
    userId,
    anonymousId: null,
    timestamp: at,
    originalTimestamp: null,
    sentAt: null,
    receivedAt: null,
    kind: 'completed',
    order: {
      orderId: `order-${row}`,
      revenueMinor: Math.round(Number(amount) * 100),
      subtotalMinor: null,
      totalMinor: null,
      shippingMinor: null,
      taxMinor: null,
      currency: null,
    },
  });

interface Measured {
  metrics: LaneMetrics;
  cpuMicros: number;
  wallMicros: number;
}

/** CPU and time of the lane alone: what is appended before is not in them. */
class Meter {
  private cpu = 0;
  private wall = 0;

  async run(work: () => Promise<void>): Promise<void> {
    const before = process.cpuUsage();
    const started = performance.now();
    await work();
    const { user, system } = process.cpuUsage(before);
    this.cpu += user + system;
    this.wall += (performance.now() - started) * 1_000;
  }

  read(metrics: LaneMetrics): Measured {
    return { metrics, cpuMicros: this.cpu, wallMicros: this.wall };
  }
}

async function measure(name: string, records: readonly HistoryRecord[], scorer: Scorer): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), 'rescore-bench-'));
  const embedded = openEmbedded({ directory, partitions: 1 });
  const { log, store } = embedded;
  const ports = { log, store, publisher: store, scorer, codec };
  const lane = new Lane({ partition: 0, ports, core: DEFAULT_SETTINGS, rules: DEFAULT_RULES });
  try {
    await lane.start();
    const history = new EmbeddedHistory(embedded.environment, log, name);
    for (let at = 0; at < records.length; at += 20_000)
      await history.appendSlice(records.slice(at, at + 20_000), at);
    const events = new Meter();
    await events.run(() => lane.drain());
    const figures = figuresOf(
      `${name}.events`,
      events.read(lane.metrics),
      records.length,
      lane.metrics.stageMicros,
    );
    return { ...figures, ...(await measureTicks(name, lane, embedded, records)) };
  } finally {
    await embedded.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The same customers, silent for some days: nothing but ticks. */
async function measureTicks(
  name: string,
  lane: Lane,
  embedded: ReturnType<typeof openEmbedded>,
  records: readonly HistoryRecord[],
): Promise<Figures> {
  const before = structuredClone(lane.metrics.stageMicros);
  const ticksBefore = lane.metrics.ticks;
  const driver = new ReplayDriver({
    lanes: [lane],
    log: embedded.log,
    store: embedded.store,
    history: new EmbeddedHistory(embedded.environment, embedded.log, `${name}-ticks`),
    codec,
  });
  const meter = new Meter();
  const end = records[records.length - 1]!.recordAt;
  await meter.run(() => driver.finish(end + TICKED_DAYS * DAY_MS));
  const micros = Object.fromEntries(
    STAGES.map(stage => [stage, lane.metrics.stageMicros[stage] - before[stage]]),
  );
  return figuresOf(`${name}.ticks`, meter.read(lane.metrics), lane.metrics.ticks - ticksBefore, micros);
}

function figuresOf(
  name: string,
  { cpuMicros, wallMicros }: Measured,
  count: number,
  micros: Record<string, number>,
): Figures {
  const scored = SCORED.reduce((sum, stage) => sum + micros[stage]!, 0);
  const unscored = micros['read']! + micros['decode']!;
  const figures: Figures = {
    [`${name}.count`]: count,
    [`${name}.perSecond`]: (count * 1e6) / wallMicros,
    [`${name}.perCpuSecond`]: (count * 1e6) / Math.max(1, cpuMicros - unscored),
    [`${name}.perCpuSecondWithDecode`]: (count * 1e6) / cpuMicros,
    [`${name}.microsScored`]: scored / count,
  };
  for (const stage of STAGES) figures[`${name}.micros.${stage}`] = micros[stage]! / count;
  return figures;
}

async function main(): Promise<void> {
  const scorer = await openScorer({ directory: baselineDirectory(), explains: false });
  const explaining = await openScorer({ directory: baselineDirectory() });
  const figures: Figures = {};
  process.stdout.write('Making the world.\n');
  const records = [...world(5_000, 45)];
  // Once to warm the compiler up, then measured.
  await measure('warm', records.slice(0, 60_000), scorer);
  process.stdout.write(`Scoring ${records.length} events.\n`);
  Object.assign(figures, await measure('world', records, scorer));
  const orders = await cdnow();
  if (orders === null)
    process.stdout.write('The CDNOW file is not here (RESCORE_DATA names its folder): left out.\n');
  else Object.assign(figures, await measure('cdnow', orders, scorer));
  Object.assign(figures, stateSizes());
  Object.assign(figures, await measure('worldWithReasons', records, explaining));
  await scorer.release();
  await explaining.release();
  const commit = commitOf(ROOT);
  const directory = join(ROOT, 'bench', 'results');
  const result = { commit, measuredAt: new Date(systemClock.now()).toISOString(), ...machine(), figures };
  process.stdout.write(compare(result, previousResult(directory, commit)));
  process.stdout.write(`Kept in ${keepResult(directory, result)}\n`);
}

void main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exitCode = 1;
});
