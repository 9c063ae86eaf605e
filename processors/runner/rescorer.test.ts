/** Everybody is rescored for new models once, at the rate, and nobody twice. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createAvroCodec } from '../../streams/avro/codec';
import { PAGE_VIEW } from '../../streams/avro/samples';
import { openEmbedded } from '../../streams/embedded';
import type { Embedded } from '../../streams/embedded';
import { DEFAULT_RULES, DEFAULT_SETTINGS, decodeCustomer, modelsKey } from '../core';
import type { ScoringConstants } from '../core';
import { CONSTANTS } from '../core/testing/inputs';
import type { Scorer } from '../ports';
import { Lane, Rescorer } from '.';

const T0 = Date.UTC(2026, 0, 10, 12);
const CUSTOMERS = 600;
const PER_SECOND = 40;
const codec = createAvroCodec();
const constantsOf = (version: string): ScoringConstants => ({
  ...CONSTANTS,
  models: [{ name: 'churn', version }],
});

const column = (rows: number): Float32Array => new Float32Array(rows).fill(0.5);
let constants = constantsOf('v1');
const scorer: Scorer = {
  get constants() {
    return constants;
  },
  score: (_vectors, rows) =>
    Promise.resolve({ engagement: column(rows), churn: column(rows), ltv: column(rows) }),
};

let folder: string;
let embedded: Embedded;
let lane: Lane;
let wanted: ScoringConstants | null;
let rescorer: Rescorer;
const time = { now: T0 };

async function append(from: number, to: number): Promise<void> {
  time.now += 1_000;
  for (let customer = from; customer < to; customer++) {
    const event = { ...PAGE_VIEW, userId: `kim-${customer}` };
    const message = { ...event, messageId: `${time.now}-${customer}`, timestamp: time.now };
    const value = codec.encodeInput('web-events', message);
    await embedded.log.append('web-events', 0, [{ key: event.userId, recordAt: time.now, value }]);
  }
}

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'rescore-rescorer-'));
  embedded = openEmbedded({ directory: folder, partitions: 1 });
  time.now = T0;
  constants = constantsOf('v1');
  wanted = constants;
  const { log, store } = embedded;
  const clock = { now: () => time.now, sleep: () => Promise.resolve() };
  const ports = { log, store, publisher: store, scorer, codec, clock };
  const settings = { lingerMs: 0 };
  lane = new Lane({ partition: 0, ports, core: DEFAULT_SETTINGS, rules: DEFAULT_RULES, settings });
  await lane.start();
  rescorer = new Rescorer({ lane, ports, perSecond: PER_SECOND, wanted: () => wanted });
  await append(0, CUSTOMERS);
  await lane.drain();
});
afterEach(async () => {
  await embedded.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Seconds of a live lane; answers with the commands of each. */

async function live(seconds: number): Promise<number[]> {
  const appended: number[] = [];
  for (let second = 0; second < seconds; second++) {
    time.now += 1_000;
    await lane.drain();
    appended.push(await rescorer.poll());
    // Asked more often than once a second it does nothing.
    expect(await rescorer.poll()).toBe(0);
    await lane.drain();
  }
  return appended;
}

async function scoredBy(version: string): Promise<number> {
  const key = modelsKey(constantsOf(version));
  const stored = await embedded.store.scan(0, 10_000);
  return stored.filter(
    ({ customerId, value }) => decodeCustomer(customerId, value).ledger.newest?.models === key,
  ).length;
}

test('after a promotion everybody once, at the rate, and the rest is counted', async () => {
  expect(await live(10)).toEqual(new Array(10).fill(0));
  constants = constantsOf('v2');
  wanted = constants;
  await live(3);
  const left = rescorer.metrics.left;
  expect(left).toBe(CUSTOMERS - (await scoredBy('v2')));
  const appended = await live(60);
  expect(Math.max(...appended)).toBeLessThanOrEqual(PER_SECOND);
  expect(await scoredBy('v2')).toBe(CUSTOMERS);
  expect(rescorer.metrics).toEqual({ left: 0, appended: CUSTOMERS });
  expect(lane.metrics.published.model).toBe(CUSTOMERS);
  expect(await live(10)).toEqual(new Array(10).fill(0));
});

test('who was active meanwhile is left out', async () => {
  constants = constantsOf('v2');
  wanted = constants;
  await append(0, 250);
  await live(60);
  expect(rescorer.metrics.appended).toBe(CUSTOMERS - 250);
  expect(await scoredBy('v2')).toBe(CUSTOMERS);
});

test('nobody while the models are on trial; after a rollback those whom they had scored', async () => {
  constants = constantsOf('v2');
  wanted = null;
  await append(0, 100);
  expect(await live(10)).toEqual(new Array(10).fill(0));
  constants = constantsOf('v1');
  wanted = constants;
  await live(20);
  expect(rescorer.metrics.appended).toBe(100);
  expect(await scoredBy('v1')).toBe(CUSTOMERS);
});

test('a new claim goes on where the last owner stopped', async () => {
  constants = constantsOf('v2');
  wanted = constants;
  await live(8);
  const before = rescorer.metrics.appended;
  expect(before).toBeGreaterThan(0);
  rescorer.reset();
  await live(60);
  expect(rescorer.metrics.appended).toBe(CUSTOMERS);
});
