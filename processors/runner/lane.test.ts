import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Alert, EngagementScore, InputTopic, Session, WebEvent } from '../../schemas';
import { DAY_MS, MINUTE_MS } from '../../schemas';
import { createAvroCodec } from '../../streams/avro/codec';
import { INPUT_SAMPLES } from '../../streams/avro/samples';
import { EmbeddedHistory, openEmbedded } from '../../streams/embedded';
import type { Embedded } from '../../streams/embedded';
import { DEFAULT_RULES, DEFAULT_SETTINGS, FEATURE_NAMES } from '../core';
import { CONSTANTS } from '../core/testing/inputs';
import type { Publisher, ScoreWatch, Scorer, SeenCustomer } from '../ports';
import { Lane, ReplayDriver } from '.';

const T0 = Date.UTC(2026, 0, 10, 12);
const codec = createAvroCodec();
const WIDTH = FEATURE_NAMES.length;
const IDLE = FEATURE_NAMES.indexOf('last_login_days_ago');

/** Churn grows with silence, so that ticks have something to say. */
const scorer: Scorer = {
  constants: CONSTANTS,
  score: (vectors, rows) => {
    const idle = Float32Array.from({ length: rows }, (_, row) => vectors[row * WIDTH + IDLE]!);
    return Promise.resolve({
      engagement: idle.map(days => 1 / (1 + days)),
      churn: idle.map(days => Math.min(1, days / 40)),
      ltv: new Float32Array(rows),
    });
  },
};

let folder: string;
let embedded: Embedded;
let lanes: Lane[];

async function open(partitions: number, scores: Scorer = scorer, watch?: ScoreWatch): Promise<void> {
  folder = mkdtempSync(path.join(tmpdir(), 'rescore-lane-'));
  embedded = openEmbedded({ directory: folder, partitions });
  const { log, store } = embedded;
  lanes = Array.from(
    { length: partitions },
    (_, partition) =>
      new Lane({
        partition,
        ports: {
          log,
          store,
          publisher: store,
          scorer: scores,
          codec,
          ...(watch === undefined ? {} : { watch }),
        },
        core: DEFAULT_SETTINGS,
        rules: DEFAULT_RULES,
      }),
  );
  for (const lane of lanes) await lane.start();
}

afterEach(async () => {
  await embedded.close();
  rmSync(folder, { recursive: true, force: true });
});

const event = (userId: string, messageId: string, at: number, more: Partial<WebEvent> = {}): WebEvent => ({
  ...INPUT_SAMPLES['web-events'],
  messageId,
  userId,
  anonymousId: null,
  timestamp: at,
  type: 'page',
  event: null,
  order: null,
  traits: null,
  targetUserId: null,
  rating: null,
  sentiment: null,
  ...more,
});

const driver = (): ReplayDriver =>
  new ReplayDriver({
    lanes,
    log: embedded.log,
    store: embedded.store,
    history: new EmbeddedHistory(embedded.environment, embedded.log, 'test'),
    codec,
  });

const row = (value: WebEvent, recordAt: number, key = value.userId!) => ({
  topic: 'web-events' as const,
  key,
  recordAt,
  value: codec.encodeInput('web-events', value),
});

function published<T>(topic: 'engagement-scores' | 'engagement-alerts' | 'sessions'): T[] {
  return embedded.output
    .read(0, 100_000)
    .filter(record => record.topic === topic && record.value !== null)
    .map(record => codec.decodeOutput(topic, record.value!) as T);
}

const outcomes = (name: keyof Lane['metrics']['outcomes']): number =>
  lanes.reduce((sum, lane) => sum + lane.metrics.outcomes[name], 0);

test('a batch is announced to its publisher when it is begun, and published once it is committed', async () => {
  await open(1);
  const { log, store } = embedded;
  const steps: string[] = [];
  const publisher: Publisher = {
    fence: partition => store.fence(partition),
    announce: partition => void steps.push(`announced ${partition}`),
    publish: (partition, outbox) => {
      steps.push(`published ${outbox.batchNumber}`);
      return store.publish(partition, outbox);
    },
  };
  const ports = { log, store, publisher, scorer, codec };
  lanes = [
    new Lane({
      partition: 0,
      ports,
      core: DEFAULT_SETTINGS,
      rules: DEFAULT_RULES,
      onStep: step => void (step === 'prepared' || step === 'committed' ? steps.push(step) : null),
    }),
  ];
  await lanes[0]!.start();
  // Nothing to read is nothing to announce.
  await lanes[0]!.drain();
  expect(steps).toEqual([]);
  const replay = driver();
  await replay.feed(row(event('kim', 'm1', T0), T0));
  await replay.finish(T0);
  expect(steps).toEqual(['announced 0', 'prepared', 'committed', 'published 1']);
});

describe('a customer who falls silent', () => {
  test('is rescored by time alone, closes a session and raises inactive at the very midnight', async () => {
    await open(1);
    const replay = driver();
    await replay.feed(row(event('kim', 'm1', T0), T0));
    await replay.feed(row(event('kim', 'm2', T0 + MINUTE_MS), T0 + MINUTE_MS));
    await replay.finish(T0 + 40 * DAY_MS);
    const [session] = published<Session>('sessions');
    expect(session).toMatchObject({ customerId: 'kim', events: 2, startAt: T0, endAt: T0 + MINUTE_MS });
    const midnight31 = Math.floor(T0 / DAY_MS) * DAY_MS + 31 * DAY_MS;
    const inactive = published<Alert>('engagement-alerts').filter(({ kind }) => kind === 'inactive');
    expect(inactive).toMatchObject([{ state: 'raised', since: midnight31, asOf: midnight31 }]);
    const scores = published<EngagementScore>('engagement-scores');
    expect(scores.filter(({ cause }) => cause === 'tick').length).toBeGreaterThan(25);
    const order = scores.map(({ epoch, sequence }) => epoch * 1e6 + sequence);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(new Set(order).size).toBe(order.length);
  });
});

test('the scores that are published are explained, each by its own vector, and no others', async () => {
  let explained = 0;
  await open(1, {
    ...scorer,
    explain: async (vectors, rows) => {
      explained += rows.length;
      // The vectors of the batch must still be there after a turn of the event loop.
      await new Promise(resolve => setImmediate(resolve));
      return rows.map(row => {
        const value = vectors[row * WIDTH + IDLE]!;
        return [{ model: 'churn', feature: 'last_login_days_ago', value, contribution: value / 40 }];
      });
    },
  });
  const replay = driver();
  for (const [index, user] of ['kim', 'lee', 'max'].entries())
    for (const day of [0, 1, 1, 6 * index])
      await replay.feed(row(event(user, `m${index}${day}`, T0 + day * DAY_MS), T0 + 20 * DAY_MS));
  await replay.finish(T0 + 60 * DAY_MS);
  const scores = published<EngagementScore>('engagement-scores');
  expect(scores.length).toBeGreaterThan(50);
  expect(new Set(scores.map(({ churn30d }) => churn30d)).size).toBeGreaterThan(20);
  for (const { reasons, churn30d } of scores)
    expect(Math.min(1, reasons[0]!.contribution)).toBeCloseTo(churn30d, 6);
  const { evaluations, suppressed } = lanes[0]!.metrics;
  expect([explained, suppressed > 0]).toEqual([evaluations - suppressed, true]);
});

test('an input at exactly midnight comes before the tick of that midnight', async () => {
  await open(1);
  const midnight = Math.floor(T0 / DAY_MS) * DAY_MS + 31 * DAY_MS;
  const replay = driver();
  await replay.feed(row(event('kim', 'm1', T0), T0));
  await replay.feed(row(event('kim', 'm2', midnight), midnight));
  await replay.finish(midnight + DAY_MS);
  expect(published<Alert>('engagement-alerts').filter(({ kind }) => kind === 'inactive')).toEqual([]);
});

test('what one customer does to another reaches it by mail, once', async () => {
  await open(4);
  const replay = driver();
  const liked = event('kim', 'm1', T0, { type: 'track', event: 'Post Liked', targetUserId: 'lee' });
  await replay.feed(row(liked, T0));
  await replay.feed(row(liked, T0 + 1));
  await replay.finish(T0 + MINUTE_MS);
  expect([outcomes('applied'), outcomes('duplicate')]).toEqual([2, 1]);
  expect(
    published<EngagementScore>('engagement-scores')
      .map(({ customerId }) => customerId)
      .sort(),
  ).toEqual(['kim', 'lee']);
});

test('an input that was keyed wrongly is passed on to the lane of its customer', async () => {
  await open(4);
  const replay = driver();
  const key = ['a', 'b', 'c', 'd', 'e', 'f'].find(
    other => embedded.log.partitionOf(other) !== embedded.log.partitionOf('kim'),
  )!;
  await replay.feed(row(event('kim', 'm1', T0), T0, key));
  await replay.finish(T0 + 1);
  expect([outcomes('passedOn'), outcomes('applied')]).toEqual([1, 1]);
  expect(published<EngagementScore>('engagement-scores')).toMatchObject([{ customerId: 'kim' }]);
});

test('poison becomes a dead letter with its reason and the lane goes on', async () => {
  await open(1);
  const replay = driver();
  const append = (topic: InputTopic, value: Uint8Array) =>
    replay.feed({ topic, key: 'kim', recordAt: T0, value });
  await append('web-events', Uint8Array.from([1, 2, 3]));
  await append('web-events', codec.encodeInput('web-events', event('guest', 'm1', T0)));
  await append('web-events', codec.encodeInput('web-events', event('kim', 'm2', T0)));
  await replay.finish(T0 + 1);
  expect([outcomes('rejected'), outcomes('applied')]).toEqual([2, 1]);
  const letters = embedded.output.read(0, 100).filter(({ topic }) => topic === 'dead-letters');
  expect(letters.map(({ value }) => codec.decodeOutput('dead-letters', value!).code)).toEqual([
    'avro-magic',
    'refused-id',
  ]);
});

test('a second owner fences the first, whose commit changes nothing', async () => {
  await open(1);
  const [zombie] = lanes as [Lane];
  await embedded.log.append('web-events', 0, [row(event('kim', 'm1', T0), T0)]);
  const { log, store } = embedded;
  const owner = new Lane({
    partition: 0,
    ports: { log, store, publisher: store, scorer, codec },
    core: DEFAULT_SETTINGS,
    rules: DEFAULT_RULES,
  });
  await owner.start();
  await expect(zombie.drain()).rejects.toThrow();
  await owner.drain();
  expect(owner.metrics.outcomes.applied).toBe(1);
  expect(published<EngagementScore>('engagement-scores')).toHaveLength(1);
});

test('who watches for drift is shown each followed customer once a batch, as its last evaluation saw it', async () => {
  const seen: (Omit<SeenCustomer, 'cells' | 'answers' | 'trainedOn'> & { idle: number; churn: number })[] =
    [];
  const forgotten: string[] = [];
  await open(1, scorer, {
    follows: id => id !== 'not-followed',
    saw: ({ cells, answers, trainedOn: _, ...customer }) =>
      void seen.push({ ...customer, idle: cells[customer.offset + IDLE]!, churn: answers('churn') }),
    forget: id => void forgotten.push(id),
  });
  const { log } = embedded;
  const rows = [
    row(event('kim', 'm1', T0), T0),
    row(event('not-followed', 'm2', T0), T0),
    row(event('lee', 'm3', T0), T0 + 1),
    row(event('kim', 'm4', T0 + MINUTE_MS), T0 + MINUTE_MS),
  ];
  await log.append('web-events', 0, rows);
  await lanes[0]!.drain();
  const firstSeenAt = T0;
  expect(seen.map(({ offset: _, ...customer }) => customer)).toEqual([
    { customerId: 'kim', asOf: T0 + MINUTE_MS, firstSeenAt, idle: 0, churn: 0 },
    { customerId: 'lee', asOf: T0 + 1, firstSeenAt, idle: 0, churn: 0 },
  ]);
  const erase = { kind: 'erase' as const, cause: null, dueAt: null };
  const rest = { networkCentrality: null, avgConnectionStrength: null, computedAt: null };
  const value = codec.encodeInput('customer-commands', { customerId: 'lee' as never, ...erase, ...rest });
  await log.append('customer-commands', 0, [{ key: 'lee', recordAt: T0 + 2 * MINUTE_MS, value }]);
  await lanes[0]!.drain();
  expect(forgotten).toEqual(['lee']);
});
